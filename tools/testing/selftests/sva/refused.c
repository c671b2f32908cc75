// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that cannot be bound to. The tests look for one of each kind among
 * all that there are.
 */
#include <dirent.h>

#include "test_dev.h"

#define MAX_DEVICES	16

/* How many devices are in the IOMMU group */
static int group_size(struct sva *sva)
{
	struct dirent *entry;
	char path[256];
	int nr = 0;
	DIR *dir;

	if (sva_sysfs(sva, "iommu_group/devices", path, sizeof(path)))
		return 0;
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return nr;
}

static bool no_pasids(struct test_dev *t)
{
	return !t->info.max_pasids;
}

/* A device that could use PASIDs except for one condition */
static bool no_ats(struct test_dev *t)
{
	return t->info.max_pasids && !(t->info.caps & SVA_TEST_CAPS_ATS) &&
	       group_size(&t->sva) == 1;
}

/* No ACS between it and the IOMMU, for example */
static bool not_enabled(struct test_dev *t)
{
	return t->info.caps & SVA_TEST_CAPS_PASID_BITS &&
	       !(t->info.on & SVA_TEST_PASID_ON);
}

static bool find(struct test_dev *t, bool (*wanted)(struct test_dev *t))
{
	char path[64];
	int i;

	for (i = 0; i < MAX_DEVICES; i++) {
		snprintf(path, sizeof(path), "/dev/sva-test%d", i);
		if (sva_open_path(&t->sva, path))
			continue;
		if (!sva_info(&t->sva, &t->info) && wanted(t))
			return true;
		sva_close(&t->sva);
	}
	return false;
}

FIXTURE(refused)
{
	struct test_dev t;
};

/* A normal device shows that the kernel has the call. */
FIXTURE_SETUP(refused)
{
	uint32_t bond, pasid = 0;
	int ret;

	test_open(_metadata, &self->t);
	ret = sva_bind_private(&self->t.sva, &bond, &pasid);
	if (ret == -EOPNOTSUPP)
		SKIP(_exit(KSFT_SKIP), "no iommu_sva_bind_device_pasid()");
	ASSERT_EQ(0, ret);
	sva_close(&self->t.sva);
}

FIXTURE_TEARDOWN(refused)
{
	sva_close(&self->t.sva);
}

static int bind_number(struct sva *sva, uint32_t pasid)
{
	struct sva_test_bind arg = {
		.flags = SVA_TEST_BIND_PRIVATE | SVA_TEST_BIND_UNCHECKED,
		.pasid = pasid,
	};

	return sva_ioctl(sva, SVA_TEST_IOC_BIND, &arg);
}

/* Errors of the device take precedence over those of the PASID. */
/* matrix: 11 */
TEST_F(refused, no_pasids)
{
	if (!find(&self->t, no_pasids))
		SKIP(return, "no device without PASIDs");
	EXPECT_EQ(-EOPNOTSUPP, bind_number(&self->t.sva, 1));
	EXPECT_EQ(-EOPNOTSUPP, bind_number(&self->t.sva, 0));
	EXPECT_EQ(-EOPNOTSUPP, bind_number(&self->t.sva, SVA_NO_PASID));
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(&self->t.sva));
}

/*
 * The device has PASIDs that cannot be enabled. The core must notice this
 * before it calls the IOMMU driver, because not all drivers would refuse.
 */
/* matrix: 11 */
TEST_F(refused, not_enabled)
{
	struct sva_test_bind arg = {};
	struct sva_as as;

	if (!find(&self->t, not_enabled))
		SKIP(return, "no device whose PASIDs cannot be enabled");
	ASSERT_EQ(0, self->t.info.max_pasids);
	EXPECT_EQ(-EOPNOTSUPP, bind_number(&self->t.sva, 1));
	EXPECT_EQ(-EOPNOTSUPP, bind_number(&self->t.sva, 64));
	EXPECT_EQ(-EOPNOTSUPP, bind_number(&self->t.sva, 0));
	EXPECT_EQ(-ENOSPC, test_bind_as(&self->t.sva, &as, 0));
	EXPECT_EQ(-ENOSPC, sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_DMA,
				     &arg));
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(&self->t.sva));
}

/* VT-d supports SVA only for devices with ATS. */
TEST_F(refused, no_ats)
{
	int expected = 0;

#ifdef __x86_64__
	expected = -EOPNOTSUPP;
#endif
	if (!find(&self->t, no_ats))
		SKIP(return, "no device without ATS");
	EXPECT_EQ(expected, bind_number(&self->t.sva, 1));
	EXPECT_EQ(-EINVAL, bind_number(&self->t.sva, 0));
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(&self->t.sva));
}

/*
 * SMMUv3 has no CD table beside a second stage, while VT-d always has a PASID
 * table. After that the device must work again.
 */
TEST_F(refused, rid_on_stage2)
{
	struct sva_test_bind arg = {};
	int expected = -EOPNOTSUPP;
	int ret;

#ifdef __x86_64__
	expected = 0;
#endif
	test_open(_metadata, &self->t);
	ret = sva_ioctl(&self->t.sva, SVA_TEST_IOC_ATTACH_STAGE2, &arg);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "the IOMMU cannot nest");
	ASSERT_EQ(0, ret);

	EXPECT_EQ(expected, bind_number(&self->t.sva, 1));
	EXPECT_EQ(-EINVAL, bind_number(&self->t.sva, 0));
	EXPECT_EQ(SVA_NO_PASID, test_enqcmd_pasid(&self->t.sva));
	ASSERT_EQ(0, sva_unbind(&self->t.sva, arg.bond));
	EXPECT_EQ(0, bind_number(&self->t.sva, 2));
}

TEST_HARNESS_MAIN
