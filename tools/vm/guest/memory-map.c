// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a register stays where it is while another CPU changes the memory map
 *
 * memory-map <device> <other device>
 *
 * One CPU reads the first register of a PCI device, whose value never changes,
 * the other one disables and enables the memory of the other device. QEMU 10.2.2
 * answers some reads with a register of something else: then what a suite reads
 * from a device, or from the interrupt controller, may be wrong as well.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS		4
#define AT_A_TIME	1000
#define COMMAND		4	/* in configuration space */
#define COMMAND_MEMORY	2

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int open_leaf(const char *device, const char *leaf)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", device, leaf);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void change_map(const char *device, volatile bool *stop)
{
	int fd = open_leaf(device, "config");
	uint16_t on, off;

	stay_on(0);
	if (pread(fd, &on, sizeof(on), COMMAND) != sizeof(on))
		die("config");
	off = on & ~COMMAND_MEMORY;
	while (!*stop) {
		if (pwrite(fd, &off, sizeof(off), COMMAND) != sizeof(off) ||
		    pwrite(fd, &on, sizeof(on), COMMAND) != sizeof(on))
			die("config");
	}
}

int main(int argc, char **argv)
{
	volatile uint64_t *reg;
	volatile bool *stop;
	uint64_t value, found;
	unsigned long reads;
	int status;
	time_t end;
	pid_t pid;

	if (argc != 3)
		die("memory-map <device> <other device>");
	reg = mmap(NULL, sizeof(*reg), PROT_READ, MAP_SHARED,
		   open_leaf(argv[1], "resource0"), 0);
	stop = mmap(NULL, sizeof(*stop), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reg == MAP_FAILED || stop == MAP_FAILED)
		die("mmap");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		change_map(argv[2], stop);
		return 0;
	}

	stay_on(1);
	found = value = *reg;
	end = time(NULL) + SECONDS;
	for (reads = 0; found == value; reads++) {
		found = *reg;
		if (reads % AT_A_TIME == 0 && time(NULL) > end)
			break;
	}
	*stop = true;
	if (waitpid(pid, &status, 0) != pid || status)
		die("the other process");
	if (found != value)
		printf("%#lx, not %#lx, after %lu reads\n", found, value, reads);
	return found != value;
}
