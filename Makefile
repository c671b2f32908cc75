# SPDX-License-Identifier: GPL-2.0
# The only entry. Every target sets up what it needs, from a bare Debian 12
# machine with git and make; `make` alone lists them.

SHELL := /bin/bash
commands := tools/vm/commands

# Everything that a user may give goes to the scripts by the environment, RUN
# and its like as written: make would expand $(...) in them.
vars := $(shell sed -n 's/^\([A-Z_]*\)=.*/\1/p' tools/vm/data/variables)
$(foreach v,$(vars),$(eval override $v := $$(value $v)))
export $(vars)

MAKEFLAGS += --no-print-directory
.PHONY: help deps tree adopt export demo test merge list matrix bench boot shell gdb qemu-test kunit \
	mutants check bisect-check series trial topics clean distclean
.NOTPARALLEL:

help:
	@$(commands)/help

deps:
	@$(commands)/deps

tree: deps
	@$(commands)/tree qemu
	@$(commands)/tree kernel

adopt:
	@$(commands)/adopt

export:
	@$(commands)/export qemu
	@$(commands)/export kernel

demo test merge list matrix bench qemu-test kunit boot shell gdb mutants check bisect-check series trial topics:
	@$(commands)/make $@

clean distclean:
	@$(commands)/$@
