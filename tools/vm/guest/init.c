// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test VM: runs one job and reports over the side channel
 *
 * The host appends an archive with the job to the initramfs: /job/cmd is a
 * shell script that is run as it is, /job/timeout a number of seconds (0: no
 * limit), /job/shell, if there, says that the script is an interactive shell
 * on the console; it holds the terminal's size and type.
 *
 * The side channel is the second serial port: of all there is it is what a
 * suspended system treats best. Everything is sent to the host in frames of
 * "<word> <length>\n" and that many bytes:
 *   hello    this init runs: kernel release and machine
 *   start    the command begins now, its time is counted from here
 *   out      a piece of the command's output
 *   timeout  the command's time is up, it is being killed
 *   exit     the command's exit status, 128 + n if signal n ended it
 *   stuck    a process that does not die, where it hangs
 *   changed  a setting of the system's that the command has left behind
 *   health   "name value" lines: what the kernel counts of its own mishaps
 *   bye      all has been said, the machine is switched off
 * The console carries nothing of this: a VM whose console is silent, or full
 * of noise, still reports.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define KILL_SECONDS	10	/* for processes to die of SIGKILL */

static int side = -1;

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void write_all(int fd, const void *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			buf = (const char *)buf + n;
			len -= n;
		}
	}
}

/* When it returns the frame has left the guest, whatever becomes of that */
static void send_frame(const char *word, const void *buf, size_t len)
{
	char head[64];

	write_all(side, head, snprintf(head, sizeof(head), "%s %zu\n", word, len));
	write_all(side, buf, len);
	while (tcdrain(side) && errno == EINTR)
		;
}

__attribute__((format(printf, 2, 3)))
static void send_text(const char *word, const char *fmt, ...)
{
	char buf[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	send_frame(word, buf, strlen(buf));
}

/* Reads a small file, cut to @size, without the last newline */
static bool read_file(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return false;
	len = fread(buf, 1, size - 1, f);
	fclose(f);
	if (len && buf[len - 1] == '\n')
		len--;
	buf[len] = 0;
	return true;
}

static long read_long(const char *path, long missing)
{
	char buf[64];

	return read_file(path, buf, sizeof(buf)) ? strtol(buf, NULL, 0) : missing;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		write_all(fd, text, strlen(text));
		close(fd);
	}
}

static void mount_all(void)
{
	static const struct {
		const char *type, *dir;
	} mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "devpts", "/dev/pts" },
		{ "tmpfs", "/dev/shm" },
		{ "tmpfs", "/tmp" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tracefs", "/sys/kernel/tracing" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].dir, 0755);
		mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0, NULL);
	}
}

/* Bytes go through it as they are */
static bool make_raw(int tty)
{
	struct termios t;

	/* Fails for a port that the driver knows and the machine does not have */
	if (tcgetattr(tty, &t))
		return false;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL;
	cfsetspeed(&t, B115200);
	return !tcsetattr(tty, TCSANOW, &t);
}

static void open_side_channel(void)
{
	static const char * const ports[] = { "/dev/ttyS1", "/dev/ttyAMA1" };

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]) && side < 0; i++) {
		side = open(ports[i], O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (side >= 0 && !make_raw(side)) {
			close(side);
			side = -1;
		}
	}
}

/* The console's own device: unlike /dev/console it can be a controlling tty */
static int open_tty(void)
{
	char active[128], path[PATH_MAX];
	const char *last;

	if (!read_file("/sys/class/tty/console/active", active, sizeof(active)))
		return -1;
	last = strrchr(active, ' ');
	snprintf(path, sizeof(path), "/dev/%s", last ? last + 1 : active);
	return open(path, O_RDWR);
}

static void become_interactive(const char *shell)
{
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	int tty = open_tty();
	char term[64] = "vt100";

	sscanf(shell, "%hu %hu %63s", &ws.ws_row, &ws.ws_col, term);
	setenv("TERM", term, 1);
	ioctl(tty, TIOCSCTTY, 0);
	ioctl(tty, TIOCSWINSZ, &ws);
	for (int fd = 0; fd < 3; fd++)
		dup2(tty, fd);
}

static pid_t start_command(const char *shell, int out)
{
	char *argv[] = { "sh", "/job/cmd", NULL };
	sigset_t none;
	pid_t pid = fork();

	if (pid)
		return pid;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (shell) {
		become_interactive(shell);
	} else {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out, 1);
		dup2(out, 2);
	}
	execv("/bin/sh", argv);
	_exit(127);
}

/* Sends what is in the pipe, without waiting for more */
static void drain(int fd)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		send_frame("out", buf, n);
}

/* Reaps what has ended, @pid among it: sets @status. False: no child is left */
static bool reap(pid_t pid, int *status)
{
	pid_t p;
	int st;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0)
		if (p == pid)
			*status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	return !p;
}

/* Names the processes that survived SIGKILL, and where they are */
static void send_stuck(void)
{
	char path[PATH_MAX], comm[64], stack[2048], first[16];
	glob_t pids = {};

	glob("/proc/[0-9]*", 0, NULL, &pids);
	for (size_t i = 0; i < pids.gl_pathc; i++) {
		const char *proc = pids.gl_pathv[i];

		/* A kernel thread has no command line, nor has a zombie */
		snprintf(path, sizeof(path), "%s/cmdline", proc);
		if (!strcmp(proc, "/proc/1") || !read_file(path, first, sizeof(first)) ||
		    !first[0])
			continue;
		comm[0] = stack[0] = 0;
		snprintf(path, sizeof(path), "%s/comm", proc);
		read_file(path, comm, sizeof(comm));
		snprintf(path, sizeof(path), "%s/stack", proc);
		read_file(path, stack, sizeof(stack));
		send_text("stuck", "%s (%s)\n%s\n", comm, proc, stack);
	}
	globfree(&pids);
}

/* Every process but the kernel's own descends from us */
static void kill_all(int sigfd)
{
	long end = now_ms() + KILL_SECONDS * 1000;
	struct pollfd pfd = { .fd = sigfd, .events = POLLIN };
	struct signalfd_siginfo si;

	/* Again and again: a process may fork while we kill */
	while (reap(0, NULL) && now_ms() < end) {
		kill(-1, SIGKILL);
		if (poll(&pfd, 1, 100) > 0 && read(sigfd, &si, sizeof(si)) < 0)
			break;
	}
	if (reap(0, NULL))
		send_stuck();
}

static void run_job(void)
{
	char shell[128];
	bool interactive = read_file("/job/shell", shell, sizeof(shell));
	long timeout = read_long("/job/timeout", 0) * 1000, end;
	struct signalfd_siginfo si;
	struct pollfd pfd[2];
	int out[2], status = -1;
	sigset_t chld;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pfd[0].fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (pipe2(out, O_CLOEXEC))
		return;
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	pfd[1].fd = out[0];
	pfd[0].events = pfd[1].events = POLLIN;

	send_text("start", "%ld", timeout / 1000);
	end = now_ms() + timeout;
	pid = start_command(interactive ? shell : NULL, out[1]);
	for (;;) {
		long left = timeout ? end - now_ms() : -1;

		if (timeout && left <= 0) {
			send_text("timeout", "%ld", timeout / 1000);
			write_file("/proc/sysrq-trigger", "w");
			break;
		}
		poll(pfd, 2, left);
		drain(out[0]);
		while (read(pfd[0].fd, &si, sizeof(si)) > 0)
			;
		reap(pid, &status);
		if (status >= 0) {
			drain(out[0]);
			send_text("exit", "%d", status);
			break;
		}
	}
	kill_all(pfd[0].fd);
	drain(out[0]);
}

/* Settings that tests change for a while, as they are when nobody has */
#define MAX_SETTINGS	256

static struct setting {
	char path[128];
	char text[128];
} settings[MAX_SETTINGS + 1];

static void save_settings(void)
{
	static const char * const globs[] = {
		"/proc/irq/[0-9]*/smp_affinity",
		"/proc/sys/vm/nr_hugepages",
		"/sys/devices/virtual/workqueue/cpumask",
		"/sys/kernel/debug/fail*/ignore-gfp-wait",
		"/sys/kernel/debug/fail*/verbose",
		"/sys/kernel/debug/sched/fair_server/cpu*/runtime",
		"/sys/module/suspend/parameters/pm_test_delay",
		"/sys/power/pm_test",
	};
	struct setting *s = settings, *end = s + MAX_SETTINGS;
	glob_t paths = {};

	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++)
		glob(globs[i], i ? GLOB_APPEND : 0, NULL, &paths);
	for (size_t i = 0; i < paths.gl_pathc && s < end; i++) {
		snprintf(s->path, sizeof(s->path), "%s", paths.gl_pathv[i]);
		if (read_file(s->path, s->text, sizeof(s->text)))
			s++;
	}
	globfree(&paths);
	s->path[0] = 0;
}

/* What has gone in the meantime is not a setting any more */
static void send_changed(void)
{
	char text[128];

	for (struct setting *s = settings; s->path[0]; s++)
		if (read_file(s->path, text, sizeof(text)) && strcmp(text, s->text))
			send_text("changed", "%s: %s, not %s", s->path, text, s->text);
}

/* How many records of the kernel log contain @text */
static int count_log(const char *text)
{
	char buf[8192];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int count = 0;
	ssize_t n;

	/* EPIPE: records were overwritten meanwhile, reading goes on */
	while (fd >= 0 && ((n = read(fd, buf, sizeof(buf) - 1)) > 0 || errno == EPIPE)) {
		buf[n > 0 ? n : 0] = 0;
		count += !!strstr(buf, text);
	}
	close(fd);
	return count;
}

/* Leaks are reported by the second scan: an object must look lost in both */
static int count_leaks(void)
{
	static const char leaks[] = "/sys/kernel/debug/kmemleak";
	static char line[1024];
	int count = 0;
	FILE *f;

	for (int i = 0; i < 2; i++) {
		sleep(1);
		write_file(leaks, "scan");
	}
	f = fopen(leaks, "re");
	while (f && fgets(line, sizeof(line), f)) {
		count += !strncmp(line, "unreferenced object", 19);
		send_text("leak", "%s", line);
	}
	if (f)
		fclose(f);
	return count;
}

static void send_health(void)
{
	char text[1024], stats[4096], *p;
	size_t n = snprintf(text, sizeof(text),
		     "tainted %ld\nwarn_count %ld\noops_count %ld\nkasan %d\n",
		     read_long("/proc/sys/kernel/tainted", -1),
		     read_long("/sys/kernel/warn_count", -1),
		     read_long("/sys/kernel/oops_count", -1),
		     count_log("BUG: KASAN"));

	if (read_file("/proc/lockdep_stats", stats, sizeof(stats))) {
		p = strstr(stats, "debug_locks:");
		n += snprintf(text + n, sizeof(text) - n, "debug_locks %d\n",
			      p ? atoi(p + strlen("debug_locks:")) : -1);
	}
	if (!access("/sys/kernel/debug/kmemleak", W_OK))
		n += snprintf(text + n, sizeof(text) - n, "kmemleak %d\n", count_leaks());
	send_frame("health", text, n);
}

int main(void)
{
	static const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct utsname uts;

	mount_all();
	sethostname("sva", 3);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/", 1);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/* After an oops the suite is over, but it can still be reported */
	write_file("/proc/sys/kernel/panic_on_oops", "0");
	if (system("/bin/busybox --install -s /bin"))
		fprintf(stderr, "init: busybox --install failed\n");
	open_side_channel();
	if (side >= 0) {
		uname(&uts);
		send_text("hello", "%s %s", uts.release, uts.machine);
		save_settings();
		run_job();
		send_changed();
		send_health();
		send_frame("bye", NULL, 0);
	} else {
		fprintf(stderr, "init: no second serial port: the host hears nothing\n");
	}
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
