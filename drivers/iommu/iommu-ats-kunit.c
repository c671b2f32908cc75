// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the policy for ATS
 *
 * The function that is tested asks one question after the other. Here the policy
 * is stated as sentences, each about a set of states and in no order: what must
 * be off, what must be on, and which states each reason stands for. Each possible
 * state is held against all of them.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/iommu.h>
#include <linux/module.h>

#include "iommu-ats.h"

#define MAX_TEST_PASIDS	2
/* RIDs * numbers of PASIDs * five flags */
#define NR_STATES	(4 * (MAX_TEST_PASIDS + 1) * BIT(5))

static struct iommu_ats_state ats_test_state(unsigned int nr)
{
	struct iommu_ats_state s = {
		.untrusted = nr & BIT(0),
		.capable = nr & BIT(1),
		.required = nr & BIT(2),
		.in_reset = nr & BIT(3),
		.guest_off = nr & BIT(4),
	};

	nr >>= 5;
	s.rid = nr % 4;
	s.nr_pasids = nr / 4;
	return s;
}

static void expect_state(struct kunit *test, bool cond,
			 const struct iommu_ats_state *s)
{
	KUNIT_EXPECT_TRUE_MSG(test, cond,
			      "rid %d, %u PASIDs,%s%s%s%s%s: reason %d",
			      s->rid, s->nr_pasids,
			      s->untrusted ? " untrusted" : "",
			      s->capable ? " capable" : "",
			      s->required ? " required" : "",
			      s->in_reset ? " in reset" : "",
			      s->guest_off ? " guest off" : "",
			      iommu_ats_decide(s));
}

static bool ats_test_on(const struct iommu_ats_state *s)
{
	return iommu_ats_is_on(iommu_ats_decide(s));
}

/* In each state, @a implies @b. There are states for which @a holds. */
#define TEST_EACH(a, b) do {						\
	unsigned int __nr, __met = 0;					\
									\
	for (__nr = 0; __nr < NR_STATES; __nr++) {			\
		struct iommu_ats_state state = ats_test_state(__nr);	\
		const struct iommu_ats_state *s = &state;		\
									\
		if (!(a))						\
			continue;					\
		__met++;						\
		expect_state(test, b, s);				\
	}								\
	KUNIT_EXPECT_NE(test, 0, __met);				\
} while (0)

/* Whether the device may have ATS in any state */
static bool allowed(const struct iommu_ats_state *s)
{
	return s->capable && !s->untrusted;
}

static bool guest_objects(const struct iommu_ats_state *s)
{
	return s->rid == IOMMU_ATS_RID_NESTED && s->guest_off;
}

static bool nothing_attached(const struct iommu_ats_state *s)
{
	return !s->nr_pasids && (s->in_reset || s->rid == IOMMU_ATS_RID_BLOCKED);
}

/* matrix: 28 on SMMUv3 */
static void ats_test_off(struct kunit *test)
{
	TEST_EACH(s->untrusted, !ats_test_on(s));
	TEST_EACH(!s->capable, !ats_test_on(s));
	TEST_EACH(guest_objects(s), !ats_test_on(s));
	TEST_EACH(nothing_attached(s), !ats_test_on(s));
	TEST_EACH(s->rid == IOMMU_ATS_RID_IDENTITY && !s->nr_pasids &&
		  !s->required, !ats_test_on(s));
}

/* Whatever is not covered by ats_test_off() */
/* matrix: 28 on SMMUv3 */
static void ats_test_on_for(struct kunit *test)
{
	TEST_EACH(allowed(s) && !guest_objects(s) && s->nr_pasids,
		  ats_test_on(s));
	TEST_EACH(allowed(s) && !s->in_reset &&
		  s->rid == IOMMU_ATS_RID_PAGING, ats_test_on(s));
	TEST_EACH(allowed(s) && !s->in_reset && !s->guest_off &&
		  s->rid == IOMMU_ATS_RID_NESTED, ats_test_on(s));
	TEST_EACH(allowed(s) && !s->in_reset && s->required &&
		  s->rid == IOMMU_ATS_RID_IDENTITY, ats_test_on(s));
}

/* Together the sentences of the two above leave no state out. */
static void ats_test_complete(struct kunit *test)
{
	unsigned int nr, on = 0;

	for (nr = 0; nr < NR_STATES; nr++) {
		struct iommu_ats_state s = ats_test_state(nr);

		on += ats_test_on(&s);
	}
	/*
	 * Of the four RIDs with any PASIDs, 3 * 8 + 1 * 4 of the combinations
	 * of the three flags besides those of allowed(); without PASIDs: paging
	 * 4, nested 2, identity 2.
	 */
	KUNIT_EXPECT_EQ(test, on, MAX_TEST_PASIDS * (3 * 8 + 4) + 4 + 2 + 2);
}

/* A reason is given only where it is one. */
static void ats_test_reasons(struct kunit *test)
{
#define REASON(s, r)	(iommu_ats_decide(s) == IOMMU_ATS_##r)
	TEST_EACH(REASON(s, OFF_UNTRUSTED), s->untrusted);
	TEST_EACH(REASON(s, OFF_INCAPABLE), !s->capable);
	TEST_EACH(REASON(s, OFF_GUEST), guest_objects(s));
	TEST_EACH(REASON(s, OFF_RESET), s->in_reset && !s->nr_pasids);
	TEST_EACH(REASON(s, OFF_BLOCKED), nothing_attached(s) &&
		  !s->in_reset);
	TEST_EACH(REASON(s, OFF_IDENTITY), !s->nr_pasids &&
		  s->rid == IOMMU_ATS_RID_IDENTITY && !s->required);
	TEST_EACH(REASON(s, ON_RID), s->rid >= IOMMU_ATS_RID_PAGING &&
		  !s->in_reset);
	TEST_EACH(REASON(s, ON_PASID), s->nr_pasids);
	TEST_EACH(REASON(s, ON_REQUIRED), s->required && !s->nr_pasids &&
		  s->rid == IOMMU_ATS_RID_IDENTITY);
	/* What may not be is said before what is not needed. */
	TEST_EACH(s->untrusted, REASON(s, OFF_UNTRUSTED));
	TEST_EACH(!s->untrusted && !s->capable, REASON(s, OFF_INCAPABLE));
#undef REASON
}

/* The number of PASIDs counts only in that there are any. */
/* matrix: 28 on SMMUv3 */
static void ats_test_count(struct kunit *test)
{
	unsigned int nr, none = 4 * BIT(5);

	for (nr = none; nr < 2 * none; nr++) {
		struct iommu_ats_state one = ats_test_state(nr);
		struct iommu_ats_state two = ats_test_state(nr + none);
		struct iommu_ats_state many = one;

		many.nr_pasids = 1 << 20;
		expect_state(test, iommu_ats_decide(&one) ==
			     iommu_ats_decide(&two), &one);
		expect_state(test, iommu_ats_decide(&one) ==
			     iommu_ats_decide(&many), &one);
	}
}

static void ats_test_rid(struct kunit *test)
{
	static const struct {
		unsigned int type;
		enum iommu_ats_rid rid;
	} expected[] = {
		{ IOMMU_DOMAIN_BLOCKED, IOMMU_ATS_RID_BLOCKED },
		{ IOMMU_DOMAIN_IDENTITY, IOMMU_ATS_RID_IDENTITY },
		{ IOMMU_DOMAIN_UNMANAGED, IOMMU_ATS_RID_PAGING },
		{ IOMMU_DOMAIN_DMA, IOMMU_ATS_RID_PAGING },
		{ IOMMU_DOMAIN_DMA_FQ, IOMMU_ATS_RID_PAGING },
		{ IOMMU_DOMAIN_SVA, IOMMU_ATS_RID_PAGING },
		{ IOMMU_DOMAIN_NESTED, IOMMU_ATS_RID_NESTED },
	};
	int i;

	KUNIT_EXPECT_EQ(test, iommu_ats_rid(NULL), IOMMU_ATS_RID_BLOCKED);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		struct iommu_domain domain = { .type = expected[i].type };

		KUNIT_EXPECT_EQ(test, iommu_ats_rid(&domain), expected[i].rid);
	}
}

static struct kunit_case ats_test_cases[] = {
	KUNIT_CASE(ats_test_off),
	KUNIT_CASE(ats_test_on_for),
	KUNIT_CASE(ats_test_complete),
	KUNIT_CASE(ats_test_reasons),
	KUNIT_CASE(ats_test_count),
	KUNIT_CASE(ats_test_rid),
	{}
};

static struct kunit_suite ats_test_suite = {
	.name = "iommu-ats",
	.test_cases = ats_test_cases,
};

kunit_test_suite(ats_test_suite);

MODULE_DESCRIPTION("KUnit tests of the policy for ATS");
MODULE_LICENSE("GPL");
