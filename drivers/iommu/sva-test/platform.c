// SPDX-License-Identifier: GPL-2.0-only
/*
 * Platform device front end of the SVA test driver
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/mod_devicetable.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/property.h>

#include "internal.h"
#include "sva-test.h"

/*
 * The IOMMU side takes both from the properties of the node that are defined in
 * Documentation/devicetree/bindings/iommu/iommu.txt. Its driver does not tell
 * whether the IOMMU can stall.
 */
static u32 sva_test_platform_enabled(struct device *dev)
{
	return (iommu_max_pasids(dev) ? SVA_TEST_PASID_ON : 0) |
	       (device_property_read_bool(dev, "dma-can-stall") ?
		SVA_TEST_STALL_ON : 0);
}

static void __iomem *sva_test_platform_map(struct platform_device *pdev,
					   unsigned int nr,
					   resource_size_t size,
					   phys_addr_t *phys)
{
	void __iomem *region;
	struct resource *res;

	region = devm_platform_get_and_ioremap_resource(pdev, nr, &res);
	if (IS_ERR(region))
		return region;
	if (resource_size(res) < size)
		return IOMEM_ERR_PTR(-ENODEV);
	*phys = res->start;
	return region;
}

static int sva_test_platform_probe(struct platform_device *pdev)
{
	struct sva_test_hw hw = {
		.dev = &pdev->dev,
		.enabled = sva_test_platform_enabled,
	};
	phys_addr_t regs_phys;
	struct sva_test *st;
	int irq, ret;

	hw.regs = sva_test_platform_map(pdev, 0, SVA_TEST_REGS_SIZE,
					&regs_phys);
	if (IS_ERR(hw.regs))
		return PTR_ERR(hw.regs);
	hw.local = sva_test_platform_map(pdev, 1, SVA_TEST_NR_CHANNELS *
						  SVA_TEST_LOCAL_SIZE,
					 &hw.local_phys);
	if (IS_ERR(hw.local))
		return PTR_ERR(hw.local);
	irq = platform_get_irq(pdev, 0);
	if (irq < 0)
		return irq;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;

	st = sva_test_create(&hw);
	if (IS_ERR(st))
		return PTR_ERR(st);
	platform_set_drvdata(pdev, st);
	ret = request_irq(irq, sva_test_irq, 0, dev_name(&pdev->dev), st);
	if (ret)
		goto out_destroy;
	ret = sva_test_start(st);
	if (ret)
		goto out_irq;
	return 0;

out_irq:
	free_irq(irq, st);
out_destroy:
	sva_test_destroy(st);
	return ret;
}

static void sva_test_platform_remove(struct platform_device *pdev)
{
	struct sva_test *st = platform_get_drvdata(pdev);

	sva_test_stop(st);
	free_irq(platform_get_irq(pdev, 0), st);
	sva_test_destroy(st);
}

static const struct of_device_id sva_test_platform_ids[] = {
	{ .compatible = SVA_TEST_DT_COMPATIBLE },
	{}
};
MODULE_DEVICE_TABLE(of, sva_test_platform_ids);

struct platform_driver sva_test_platform_driver = {
	.driver = {
		.name = "sva-test",
		.of_match_table = sva_test_platform_ids,
		.pm = pm_sleep_ptr(&sva_test_pm_ops),
	},
	.probe = sva_test_platform_probe,
	.remove = sva_test_platform_remove,
};
