// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of the SVA test driver that the DMA API maps
 */
#include <linux/cleanup.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "internal.h"
#include "sva-test.h"

#define SVA_TEST_DMA_MAX	SZ_1M

/* A buffer that the DMA API mapped. Unmapping it does not free its pages. */
struct sva_test_buffer {
	void *cpu;
	size_t len;
	dma_addr_t iova;
	bool mapped;
};

static void sva_test_buffer_unmap(struct sva_test *st,
				  struct sva_test_buffer *buffer)
{
	if (!buffer->mapped)
		return;
	dma_unmap_single(st->hw.dev, buffer->iova, buffer->len,
			 DMA_BIDIRECTIONAL);
	buffer->mapped = false;
}

void sva_test_buffer_free(struct sva_test *st, struct sva_test_buffer *buffer)
{
	sva_test_buffer_unmap(st, buffer);
	free_pages_exact(buffer->cpu, buffer->len);
	kfree(buffer);
}

static struct sva_test_buffer *sva_test_buffer_new(struct sva_test *st,
						   size_t len)
{
	struct sva_test_buffer *buffer;

	buffer = kzalloc_obj(*buffer);
	if (!buffer)
		return NULL;
	buffer->len = len;
	buffer->cpu = alloc_pages_exact(len, GFP_KERNEL | __GFP_ZERO);
	if (!buffer->cpu)
		goto err_free;
	buffer->iova = dma_map_single(st->hw.dev, buffer->cpu, len,
				      DMA_BIDIRECTIONAL);
	if (dma_mapping_error(st->hw.dev, buffer->iova))
		goto err_free_pages;
	buffer->mapped = true;
	return buffer;

err_free_pages:
	free_pages_exact(buffer->cpu, len);
err_free:
	kfree(buffer);
	return NULL;
}

int sva_test_dma_alloc(struct sva_test_file *file, struct sva_test_dma *arg)
{
	struct sva_test_buffer *buffer;
	int ret;

	if (!arg->len || arg->len > SVA_TEST_DMA_MAX)
		return -EINVAL;
	arg->len = PAGE_ALIGN(arg->len);
	buffer = sva_test_buffer_new(file->st, arg->len);
	if (!buffer)
		return -ENOMEM;
	ret = xa_alloc(&file->buffers, &arg->buffer, buffer, xa_limit_31b,
		       GFP_KERNEL);
	if (ret) {
		sva_test_buffer_free(file->st, buffer);
		return ret;
	}
	arg->iova = buffer->iova;
	return 0;
}

int sva_test_dma_unmap(struct sva_test_file *file, struct sva_test_dma *arg)
{
	struct sva_test_buffer *buffer;

	guard(mutex)(&file->lock);
	buffer = xa_load(&file->buffers, arg->buffer);
	if (!buffer)
		return -ENOENT;
	sva_test_buffer_unmap(file->st, buffer);
	return 0;
}

int sva_test_dma_free(struct sva_test_file *file, struct sva_test_dma *arg)
{
	struct sva_test_buffer *buffer;

	guard(mutex)(&file->lock);
	buffer = xa_erase(&file->buffers, arg->buffer);
	if (!buffer)
		return -ENOENT;
	sva_test_buffer_free(file->st, buffer);
	return 0;
}

int sva_test_dma_copy(struct sva_test_file *file, struct sva_test_dma *arg,
		      bool put)
{
	struct device *dev = file->st->hw.dev;
	void __user *user = u64_to_user_ptr(arg->buf);
	struct sva_test_buffer *buffer;
	bool fault;

	guard(mutex)(&file->lock);
	buffer = xa_load(&file->buffers, arg->buffer);
	if (!buffer)
		return -ENOENT;
	if (arg->offset > buffer->len ||
	    arg->len > buffer->len - arg->offset)
		return -EINVAL;

	if (buffer->mapped)
		dma_sync_single_for_cpu(dev, buffer->iova, buffer->len,
					DMA_BIDIRECTIONAL);
	if (put)
		fault = copy_from_user(buffer->cpu + arg->offset, user,
				       arg->len);
	else
		fault = copy_to_user(user, buffer->cpu + arg->offset, arg->len);
	if (buffer->mapped)
		dma_sync_single_for_device(dev, buffer->iova, buffer->len,
					   DMA_BIDIRECTIONAL);
	return fault ? -EFAULT : 0;
}
