/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints of iommu_sva, as they are of one device. Each test has a trace
 * buffer of its own, which nobody else's events are in the way of.
 */
#ifndef SVA_TEST_TRACE_H
#define SVA_TEST_TRACE_H

#include <sys/mount.h>
#include <sys/stat.h>

#include "test_dev.h"

#define TRACEFS		"/sys/kernel/tracing"
#define TRACE_MAX	(4 << 20)

struct trace {
	char dir[128];		/* the instance */
	char device[48];	/* " device=<name> " */
	char group[24];		/* " group=<number> ", for iommu_sva_unbind */
	char *text;		/* what has happened by the last trace_read() */
};

static void __maybe_unused trace_write(struct trace *tr, const char *leaf,
				       const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", tr->dir, leaf);
	sva_write_file(path, text);
}

static void __maybe_unused trace_group(struct __test_metadata *_metadata,
				       struct trace *tr, struct sva *sva)
{
	char path[128], group[128];
	ssize_t len;

	ASSERT_EQ(0, sva_sysfs(sva, "iommu_group", path, sizeof(path)));
	len = readlink(path, group, sizeof(group) - 1);
	ASSERT_LT(0, len);
	group[len] = 0;
	ASSERT_NE(NULL, strrchr(group, '/'));
	snprintf(tr->group, sizeof(tr->group), " group=%d ",
		 atoi(strrchr(group, '/') + 1));
}

static void __maybe_unused trace_begin(struct __test_metadata *_metadata,
				       struct trace *tr, struct test_dev *t)
{
	if (access(TRACEFS "/events", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (access(TRACEFS "/events/iommu_sva", F_OK))
		SKIP(_exit(KSFT_SKIP), "no tracepoints");
	snprintf(tr->dir, sizeof(tr->dir), TRACEFS "/instances/sva-%d",
		 getpid());
	ASSERT_EQ(0, mkdir(tr->dir, 0700));
	snprintf(tr->device, sizeof(tr->device), " device=%s ", t->info.name);
	trace_group(_metadata, tr, &t->sva);
	tr->text = malloc(TRACE_MAX);
	ASSERT_NE(NULL, tr->text);
	trace_write(tr, "events/iommu_sva/enable", "1");
}

static void __maybe_unused trace_end(struct trace *tr)
{
	trace_write(tr, "events/iommu_sva/enable", "0");
	rmdir(tr->dir);
	free(tr->text);
}

static void __maybe_unused trace_read(struct __test_metadata *_metadata,
				      struct trace *tr)
{
	char path[192];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", tr->dir);
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	len = fread(tr->text, 1, TRACE_MAX - 1, f);
	fclose(f);
	tr->text[len] = 0;
	ASSERT_GT(TRACE_MAX - 1, len);
}

/*
 * The next line after @at that has @event of this device with @what in it. NULL:
 * there is none.
 */
static const char * __maybe_unused
trace_next(struct trace *tr, const char *at, const char *event,
	   const char *what)
{
	bool grouped = !strcmp(event, "iommu_sva_unbind");
	const char *whose = grouped ? tr->group : tr->device;
	char line[512], name[64];
	size_t len;

	snprintf(name, sizeof(name), ": %s:", event);
	for (at = at ? strchr(at, '\n') : tr->text; at && *at;
	     at = strchr(at, '\n')) {
		at += *at == '\n';
		len = strcspn(at, "\n");
		/* With a blank behind it, so that no value is one's prefix */
		snprintf(line, sizeof(line), "%.*s ", (int)len, at);
		if (strstr(line, name) && strstr(line, whose) &&
		    strstr(line, what))
			return at;
	}
	return NULL;
}

static unsigned int __maybe_unused
trace_count(struct trace *tr, const char *event, const char *what)
{
	const char *at = NULL;
	unsigned int nr = 0;

	while ((at = trace_next(tr, at, event, what)))
		nr++;
	return nr;
}

static uint64_t __maybe_unused trace_value(const char *at, const char *field)
{
	const char *value = at ? strstr(at, field) : NULL;

	if (!value || value > at + strcspn(at, "\n"))
		return UINT64_MAX;
	return strtoull(value + strlen(field), NULL, 0);
}

#define EXPECT_EVENTS(nr, tr, event, fmt, ...) do { \
	struct trace *__tr = (tr); \
	const char *__event = (event); \
	char __what[128]; \
	snprintf(__what, sizeof(__what), " " fmt " ", ##__VA_ARGS__); \
	EXPECT_EQ(nr, trace_count(__tr, __event, __what)) \
		TH_LOG("%s with%sof:\n%s", __event, __what, __tr->text); \
} while (0)

/* How many there are in all */
#define EXPECT_TOTAL(nr, tr, event) do { \
	struct trace *__tr = (tr); \
	const char *__event = (event); \
	EXPECT_EQ(nr, trace_count(__tr, __event, "")) \
		TH_LOG("%s of:\n%s", __event, __tr->text); \
} while (0)

#endif /* SVA_TEST_TRACE_H */
