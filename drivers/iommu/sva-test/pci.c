// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI front end of the SVA test driver
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pm.h>

#include "internal.h"
#include "sva-test.h"

static u32 sva_test_pci_enabled(struct device *dev)
{
	struct pci_dev *pdev = to_pci_dev(dev);

	return (pdev->pasid_enabled ? SVA_TEST_PASID_ON : 0) |
	       (pdev->ats_enabled ? SVA_TEST_ATS_ON : 0) |
	       (pdev->pri_enabled ? SVA_TEST_PRI_ON : 0);
}

static int sva_test_pci_map(struct pci_dev *pdev, struct sva_test_hw *hw)
{
	hw->regs = pcim_iomap_region(pdev, 0, "sva-test");
	if (IS_ERR(hw->regs))
		return PTR_ERR(hw->regs);
	hw->local = pcim_iomap_region(pdev, 2, "sva-test");
	if (IS_ERR(hw->local))
		return PTR_ERR(hw->local);
	hw->local_phys = pci_resource_start(pdev, 2);

	if (pci_resource_len(pdev, 0) < SVA_TEST_REGS_SIZE ||
	    pci_resource_len(pdev, 2) < SVA_TEST_NR_CHANNELS *
					SVA_TEST_LOCAL_SIZE)
		return -ENODEV;
	return 0;
}

static int sva_test_pci_irq(struct pci_dev *pdev, struct sva_test *st)
{
	int ret;

	/* These are managed, because pcim_enable_device() was called. */
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI | PCI_IRQ_MSIX);
	if (ret < 0)
		return ret;
	return request_irq(pci_irq_vector(pdev, 0), sva_test_irq, 0,
			   pci_name(pdev), st);
}

static int sva_test_pci_probe(struct pci_dev *pdev,
			      const struct pci_device_id *id)
{
	struct sva_test_hw hw = {
		.dev = &pdev->dev,
		.enabled = sva_test_pci_enabled,
	};
	struct sva_test *st;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = sva_test_pci_map(pdev, &hw);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;

	st = sva_test_create(&hw);
	if (IS_ERR(st))
		return PTR_ERR(st);
	pci_set_drvdata(pdev, st);

	pci_set_master(pdev);
	ret = sva_test_pci_irq(pdev, st);
	if (ret)
		goto out_destroy;
	ret = sva_test_start(st);
	if (ret)
		goto out_irq;
	return 0;

out_irq:
	free_irq(pci_irq_vector(pdev, 0), st);
out_destroy:
	pci_clear_master(pdev);
	sva_test_destroy(st);
	return ret;
}

static void sva_test_pci_remove(struct pci_dev *pdev)
{
	struct sva_test *st = pci_get_drvdata(pdev);

	sva_test_stop(st);
	free_irq(pci_irq_vector(pdev, 0), st);
	pci_clear_master(pdev);
	sva_test_destroy(st);
}

static void sva_test_pci_reset_prepare(struct pci_dev *pdev)
{
	sva_test_reset_prepare(pci_get_drvdata(pdev));
}

static void sva_test_pci_reset_done(struct pci_dev *pdev)
{
	sva_test_reset_done(pci_get_drvdata(pdev));
}

static const struct pci_error_handlers sva_test_pci_err = {
	.reset_prepare = sva_test_pci_reset_prepare,
	.reset_done = sva_test_pci_reset_done,
};

static const struct pci_device_id sva_test_pci_ids[] = {
	{ PCI_DEVICE(SVA_TEST_PCI_VENDOR_ID, SVA_TEST_PCI_DEVICE_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, sva_test_pci_ids);

struct pci_driver sva_test_pci_driver = {
	.name = "sva-test",
	.id_table = sva_test_pci_ids,
	.probe = sva_test_pci_probe,
	.remove = sva_test_pci_remove,
	.err_handler = &sva_test_pci_err,
	.driver.pm = pm_sleep_ptr(&sva_test_pm_ops),
};

/*
 * The same with DMA ownership, as VFIO takes it: requests without a PASID are
 * blocked. Interrupts are set up before that, although they may be blocked as
 * well, because there is no way to do it later.
 */
static int sva_test_owner_probe(struct pci_dev *pdev,
				const struct pci_device_id *id)
{
	int ret;

	ret = sva_test_pci_probe(pdev, id);
	if (ret)
		return ret;
	ret = iommu_device_claim_dma_owner(&pdev->dev, pdev);
	if (ret)
		sva_test_pci_remove(pdev);
	return ret;
}

static void sva_test_owner_remove(struct pci_dev *pdev)
{
	sva_test_pci_remove(pdev);
	iommu_device_release_dma_owner(&pdev->dev);
}

/* For devices whose driver_override names it */
struct pci_driver sva_test_owner_driver = {
	.name = "sva-test-owner",
	.probe = sva_test_owner_probe,
	.remove = sva_test_owner_remove,
	.err_handler = &sva_test_pci_err,
	.driver_managed_dma = true,
};
