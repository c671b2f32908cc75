// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATS where VT-d is in legacy mode, and the DMA of devices is not translated
 * unless they need that. There are no PASIDs, and a context entry that passes
 * everything through allows no ATS.
 */
#include "test_dev.h"
#include "test_pci.h"

FIXTURE(ats_legacy)
{
	struct sva sva;
	struct sva_test_info info;
	char type[128];		/* path of the group's */
};

FIXTURE_VARIANT(ats_legacy)
{
	bool needs_ats;
	uint32_t domain;
};

FIXTURE_VARIANT_ADD(ats_legacy, plain)
{
	.domain = SVA_DOMAIN_PT,
};

/* matrix: 29 */
FIXTURE_VARIANT_ADD(ats_legacy, needs)
{
	.needs_ats = true,
	.domain = SVA_DOMAIN_PAGING | SVA_DOMAIN_DMA_API,
};

FIXTURE_SETUP(ats_legacy)
{
	struct test_dev t = {};
	int nr = 0;

	while (test_next(&t, &nr) &&
	       (!(t.info.caps & SVA_TEST_CAPS_ATS) ||
		dev_needs_ats(t.info.name) != variant->needs_ats))
		sva_close(&t.sva);
	if (t.sva.fd < 0)
		SKIP(_exit(KSFT_SKIP), "no device with ATS");
	self->sva = t.sva;
	self->info = t.info;
	pci_path(t.info.name, "iommu_group/type", self->type,
		 sizeof(self->type));
	if (self->info.max_pasids)
		SKIP(_exit(KSFT_SKIP), "the IOMMU is not in legacy mode");
}

FIXTURE_TEARDOWN(ats_legacy)
{
	sva_close(&self->sva);
}

/* Only a device that needs ATS has its DMA translated, and ATS. */
TEST_F(ats_legacy, domain)
{
	EXPECT_EQ(variant->domain, self->info.domain & ~SVA_DOMAIN_DMA_FQ);
	EXPECT_EQ(variant->needs_ats, ats_enabled(self->info.name));
	EXPECT_EQ(variant->needs_ats, !!(self->info.on & SVA_TEST_ATS_ON));
}

/* The administrator cannot take that from it. */
TEST_F(ats_legacy, identity)
{
	sva_close(&self->sva);
	ASSERT_EQ(0, pci_write(self->info.name, "driver/unbind",
			       self->info.name));
	EXPECT_EQ(variant->needs_ats ? -EINVAL : 0,
		  sva_write_file(self->type, "identity"));
	EXPECT_EQ(variant->needs_ats, ats_enabled(self->info.name));
	ASSERT_EQ(0, sva_write_file("/sys/bus/pci/drivers_probe",
				    self->info.name));
}

TEST_HARNESS_MAIN
