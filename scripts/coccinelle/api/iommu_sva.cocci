// SPDX-License-Identifier: GPL-2.0-only
/// Find misuse of iommu_sva_bind_device() and iommu_sva_bind_device_pasid():
///
/// - a PASID is given back before the bond has ended: whoever gets it next finds
///   it in use
/// - a bond, or its PASID, is used after iommu_sva_unbind_device()
/// - PASID 0 is bound to, or none, or what an ida gives out that begins with 0
/// - the result is not tested, or compared with NULL: it is an ERR_PTR
/// - mmap_lock is held, which both binding and unbinding take
///
/// See Documentation/driver-api/iommu-sva.rst.
///
// Confidence: Moderate
// Comments: What is spread over several functions is not seen.
// Options: --no-includes --include-headers

virtual report
virtual org

// ---- Given back before the bond has ended

@free_first exists@
expression pasid, bond, e;
position p, q;
@@

 \(ida_free@p\|xa_erase@p\|__xa_erase@p\|idr_remove@p\)(e, pasid)
 ... when != bond = \(iommu_sva_bind_device\|iommu_sva_bind_device_pasid\)(...)
 iommu_sva_unbind_device@q(bond)

@free_first_global exists@
expression bond;
position p, q;
@@

 iommu_free_global_pasid@p(...)
 ... when != bond = \(iommu_sva_bind_device\|iommu_sva_bind_device_pasid\)(...)
 iommu_sva_unbind_device@q(bond)

@free_first_chosen exists@
expression dev, mm, pasid, bond, e;
position p, q;
@@

 bond = iommu_sva_bind_device_pasid(dev, mm, pasid)
 ... when != iommu_sva_unbind_device(bond)
 \(ida_free@p\|xa_erase@p\|__xa_erase@p\|idr_remove@p\)(e, pasid)
 ... when != bond = iommu_sva_bind_device_pasid(...)
 iommu_sva_unbind_device@q(bond)

// ---- Used after the unbind

@use_after exists@
expression bond, e;
identifier f;
position p, q;
@@

 iommu_sva_unbind_device@q(bond)
 ... when != bond = e
     when != &bond
(
 iommu_sva_get_pasid@p(bond)
|
 iommu_sva_unbind_device@p(bond)
|
 bond@p->f
)

@pasid_after exists@
local idexpression pasid;
expression bond, e, dev, mm;
identifier f;
expression list before, after;
position p, q;
@@

(
 pasid = iommu_sva_get_pasid(bond)
|
 bond = iommu_sva_bind_device_pasid(dev, mm, pasid)
)
 ...
 iommu_sva_unbind_device@q(bond)
 ... when != pasid = e
     when != &pasid
 f@p(before, pasid, after)

// ---- No PASID that a process could have

@zero@
expression dev, mm;
position p;
@@

 iommu_sva_bind_device_pasid@p(dev, mm,
	\(0\|IOMMU_NO_PASID\|IOMMU_PASID_INVALID\|IOMMU_FIRST_GLOBAL_PASID - 1\))

@zero_ida exists@
expression dev, mm, pasid, e, gfp, max;
position p, q;
@@

 pasid = \(ida_alloc@q(e, gfp)\|ida_alloc_max@q(e, max, gfp)\|
	   ida_alloc_range@q(e, 0, max, gfp)\|idr_alloc@q(e, ..., 0, max, gfp)\)
 ... when != pasid = ...
     when != pasid++
     when != ++pasid
     when != pasid += ...
 iommu_sva_bind_device_pasid@p(dev, mm, pasid)

// ---- An ERR_PTR that nobody looks at

@is_null exists@
expression bond;
position p, q;
@@

 bond = \(iommu_sva_bind_device@q\|iommu_sva_bind_device_pasid@q\)(...)
 ... when != \(IS_ERR\|IS_ERR_OR_NULL\|PTR_ERR_OR_ZERO\)(bond)
     when != bond = ...
(
 !bond@p
|
 bond@p == NULL
|
 bond@p != NULL
)

@untested exists@
expression bond;
identifier f;
position p, q;
@@

 bond = \(iommu_sva_bind_device@q\|iommu_sva_bind_device_pasid@q\)(...)
 ... when != \(IS_ERR\|IS_ERR_OR_NULL\|PTR_ERR_OR_ZERO\)(bond)
     when != bond = ...
(
 iommu_sva_get_pasid@p(bond)
|
 iommu_sva_unbind_device@p(bond)
|
 bond@p->f
)

@untested_ever@
expression bond;
position q;
@@

 bond = \(iommu_sva_bind_device@q\|iommu_sva_bind_device_pasid@q\)(...)
 ... when != bond
     when strict

// ---- mmap_lock

@locked exists@
expression mm, bond;
position p, q;
@@

(
 mmap_write_lock@q(mm)
|
 mmap_read_lock@q(mm)
|
 \(mmap_write_lock_killable@q\|mmap_read_lock_killable@q\|mmap_read_trylock@q\|mmap_write_trylock@q\)(mm)
)
 ... when != \(mmap_write_unlock\|mmap_read_unlock\)(mm)
(
 iommu_sva_bind_device@p(...)
|
 iommu_sva_bind_device_pasid@p(...)
|
 iommu_sva_unbind_device@p(bond)
)

@called_locked@
identifier ops, fn;
@@

(
 struct file_operations ops = { .mmap = fn, };
|
 struct vm_operations_struct ops = { .open = fn, };
|
 struct vm_operations_struct ops = { .close = fn, };
|
 struct vm_operations_struct ops = { .fault = fn, };
)

@in_locked exists@
identifier called_locked.fn;
expression bond;
position p;
@@

 fn(...)
 {
 ...
(
 iommu_sva_bind_device@p(...)
|
 iommu_sva_bind_device_pasid@p(...)
|
 iommu_sva_unbind_device@p(bond)
)
 ...
 }

@notified@
identifier ops, fn;
@@

(
 struct mmu_notifier_ops ops = { .invalidate_range_start = fn, };
|
 struct mmu_notifier_ops ops = { .invalidate_range_end = fn, };
|
 struct mmu_notifier_ops ops = { .arch_invalidate_secondary_tlbs = fn, };
|
 struct mmu_notifier_ops ops = { .release = fn, };
)

@in_notifier exists@
identifier notified.fn;
expression bond;
position p;
@@

 fn(...)
 {
 ...
(
 iommu_sva_bind_device@p(...)
|
 iommu_sva_bind_device_pasid@p(...)
|
 iommu_sva_unbind_device@p(bond)
)
 ...
 }

// ---- Reports

@initialize:python@
@@

import re

shown = set()

# Tests of the calls do what drivers must not
def show(p, message, seen = None):
    if "kunit" in p[0].file:
        return
    text = message % seen[0].line if seen else message
    key = p[0].file, p[0].line
    if key not in shown:
        shown.add(key)
        coccilib.report.print_report(p[0], "ERROR: SVA: " + text)

# What else an ida has given out is nobody's business here
def of_pasid(text):
    return re.search("pasid|ssid", text, re.I)

def harmless(name):
    return re.match("ida_free$|iommu_free_global_pasid$|_*xa_erase$|idr_remove$|"
                    "trace_|(dev|pr|drm|ibdev|netdev)_|printk|WARN|"
                    "sn?printf|seq_printf|sysfs_emit", name)

@script:python depends on report@
p << free_first.p;
q << free_first.q;
pasid << free_first.pasid;
@@

if of_pasid(pasid):
    show(p, "PASID given back, and its bond ends on line %s only", q)

@script:python depends on report@
p << free_first_global.p;
q << free_first_global.q;
@@

show(p, "PASID given back, and its bond ends on line %s only", q)

@script:python depends on report@
p << free_first_chosen.p;
q << free_first_chosen.q;
@@

show(p, "PASID given back, and its bond ends on line %s only", q)

@script:python depends on report@
p << use_after.p;
q << use_after.q;
@@

show(p, "bond used after it was ended on line %s", q)

@script:python depends on report@
p << pasid_after.p;
q << pasid_after.q;
f << pasid_after.f;
@@

if not harmless(f):
    show(p, "PASID used after its bond was ended on line %s", q)

@script:python depends on report@
p << zero.p;
@@

show(p, "no process can be bound to this PASID")

@script:python depends on report@
p << zero_ida.p;
q << zero_ida.q;
@@

show(p, "PASID can be 0, see line %s", q)

@script:python depends on report@
p << is_null.p;
q << is_null.q;
@@

show(p, "result of line %s is an ERR_PTR, not NULL", q)

@script:python depends on report@
p << untested.p;
q << untested.q;
@@

show(p, "result of line %s is not tested with IS_ERR()", q)

@script:python depends on report@
q << untested_ever.q;
@@

show(q, "result is not tested with IS_ERR()")

@script:python depends on report@
p << locked.p;
q << locked.q;
@@

show(p, "mmap_lock is held since line %s", q)

@script:python depends on report@
p << in_locked.p;
@@

show(p, "called with mmap_lock held")

@script:python depends on report@
p << in_notifier.p;
@@

show(p, "called from an mmu notifier")

@script:python depends on org@
p << free_first.p;
q << free_first.q;
pasid << free_first.pasid;
@@

if of_pasid(pasid):
    cocci.print_main("PASID given back before its bond has ended", p)

@script:python depends on org@
p << free_first_global.p;
q << free_first_global.q;
@@

cocci.print_main("PASID given back before its bond has ended", p)

@script:python depends on org@
p << free_first_chosen.p;
q << free_first_chosen.q;
@@

cocci.print_main("PASID given back before its bond has ended", p)

@script:python depends on org@
p << use_after.p;
q << use_after.q;
@@

cocci.print_main("bond used after it was ended", p)

@script:python depends on org@
p << pasid_after.p;
q << pasid_after.q;
f << pasid_after.f;
@@

if not harmless(f):
    cocci.print_main("PASID used after its bond was ended", p)

@script:python depends on org@
p << zero.p;
@@

cocci.print_main("no process can be bound to this PASID", p)

@script:python depends on org@
p << zero_ida.p;
q << zero_ida.q;
@@

cocci.print_main("PASID can be 0", p)

@script:python depends on org@
p << is_null.p;
q << is_null.q;
@@

cocci.print_main("result is an ERR_PTR, not NULL", p)

@script:python depends on org@
p << untested.p;
q << untested.q;
@@

cocci.print_main("result is not tested with IS_ERR()", p)

@script:python depends on org@
q << untested_ever.q;
@@

cocci.print_main("result is not tested with IS_ERR()", q)

@script:python depends on org@
p << locked.p;
q << locked.q;
@@

cocci.print_main("mmap_lock is held", p)

@script:python depends on org@
p << in_locked.p;
@@

cocci.print_main("called with mmap_lock held", p)

@script:python depends on org@
p << in_notifier.p;
@@

cocci.print_main("called from an mmu notifier", p)
