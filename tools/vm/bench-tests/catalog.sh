# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What there is to run, what came out, and facts that are written down but once.
# Sourced by all.

# own_suites <name> <<<suites: a house with these suites, and no tests yet
own_suites() {
	house=$work/$1
	mkdir -p "$house/tools" "$house/build"
	cp -r "$top/tools/vm" "$house/tools/vm"
	cat >"$house/tools/vm/data/suites"
	: >"$house/tools/vm/data/skips"
	printf '# head\n' >"$house/tools/vm/data/tests"
}

list_of() {
	grep -v '^#' "$house/tools/vm/data/tests" | tr '\n' ' '
}

one_and_two() {
	own_suites "$1" <<-'END'
		[some]
		archs = host
		on = host
		run = echo 1..2; echo ok 1 one; echo ok 2 two
	END
	printf 'some.one\n' >>"$house/tools/vm/data/tests"
}

# Nobody has to edit a list before a new test counts
t_new_test_counts() {
	local said

	one_and_two new
	said=$(vm run) || { echo "$said"; return 1; }
	[ "$(tail -n 1 <<<"$said")" = "2 passed, 0 failed, 0 skipped" ] &&
		grep "^1 not listed yet, .*: make test T='some\.\*' UPDATE=1" <<<"$said" >/dev/null &&
		grep '^new  *host  *some.two' <<<"$said" >/dev/null || { echo "$said"; return 1; }
	# CI wants it listed, or nobody would miss it
	said=$(CI=1 vm run) && return 1
	[ "$(tail -n 1 <<<"$said")" = "1 passed, 1 failed, 0 skipped" ] &&
		vm run --update >/dev/null && CI=1 vm run >/dev/null
}

# Before or after the results, a program after the other, or how many in all
t_plans_add_up() {
	local said

	for said in '1..2; ok 1 one; ok 2 two' 'ok 1 one; 1..1; ok 2 two; 1..2' \
		    '1..1; ok 1 one; 1..1; ok 1 two' 'ok 1 one; 1..1; ok 1 two; 1..1'; do
		one_and_two plans
		sed -i "s/^run = .*/run = printf '${said//; /\\\\n}\\\\n'/" "$house/tools/vm/data/suites"
		echo some.two >>"$house/tools/vm/data/tests"
		[ "$(vm run | tail -n 1)" = "2 passed, 0 failed, 0 skipped" ] ||
			{ echo "# $said: $(vm run | tail -n 1)"; return 1; }
		sed -i 's/\(1\.\.[12]\)\(.*ok\)/1..3\2/' "$house/tools/vm/data/suites"
		! vm run >/dev/null || { echo "# $(cat "$house/tools/vm/data/suites")"; return 1; }
	done
}

t_vanished_test_is_missed() {
	local said

	one_and_two vanished
	printf 'some.three\n' >>"$house/tools/vm/data/tests"
	said=$(vm run) && return 1
	grep '^missing .*some.three' <<<"$said" >/dev/null
}

# --update takes what was reported, of what was run, if all else went well
t_update_writes_the_list() {
	own_suites update <<-'END'
		[some]
		archs = host
		on = host
		run = echo 1..2; echo ok 1 one; echo ok 2 two
		[more]
		archs = host
		on = host
		run = echo 1..1; echo ok 1 stays
		[red]
		archs = host
		on = host
		run = echo 1..2; echo ok 1 new; echo not ok 2 bad
	END
	printf '%s\n' some.one some.gone more.stays more.other red.old >>"$house/tools/vm/data/tests"
	vm run --update -t 'some.*' >/dev/null
	[ "$(list_of)" = ' more.other more.stays  red.old  some.one some.two ' ] ||
		{ echo "# $(list_of)"; return 1; }
	vm run --update -t 'red.*' >/dev/null && return 1
	[ "$(list_of)" = ' more.other more.stays  red.old  some.one some.two ' ] ||
		{ echo "# $(list_of)"; return 1; }
	vm run --update -t 'more.s*' >/dev/null
	[ "$(list_of)" = ' more.other more.stays  red.old  some.one some.two ' ] &&
		[ "$(head -n 1 "$house/tools/vm/data/tests")" = '# head' ] || return 1
	BASE=1 vm run --update 2>/dev/null && return 1
	return 0
}

# kernel_tests <house>: trees with programs, in the base fewer
kernel_tests() {
	local d

	own_suites "$1" <<-'END'
		[defaults]
		archs = arm64
		run = exec /tests/sva/{program} {select}
	END
	for d in linux base/linux; do
		mkdir -p "$house/build/$d/tools/testing/selftests/sva"
		(cd "$house/build/$d/tools/testing/selftests/sva" &&
			printf 'TEST_GEN_PROGS := %s\n' one two >Makefile &&
			printf 'TEST_F(%s)\n' 'fixture, early' >one.c)
	done
	(cd "$house/build/linux/tools/testing/selftests/sva" &&
		echo 'TEST_F(fixture, late)' >>one.c &&
		echo 'TEST(other)' >two.c)
	printf '%s\n' sva.one.fixture.early sva.one.fixture.late sva.two.other \
		>>"$house/tools/vm/data/tests"
}

# A program of selftests/sva needs no section in a file
t_program_is_a_suite() {
	kernel_tests programs
	[ "$(vm run --list | tr -s ' \n' ' ')" = \
		'arm64 sva.one.fixture.early arm64 sva.one.fixture.late arm64 sva.two.other ' ] ||
		{ vm run --list; return 1; }
}

# T= takes several globs
t_several_globs() {
	kernel_tests several
	[ "$(vm run --list -t 'sva.two.* sva.one.*.late' | tr -s ' \n' ' ')" = \
		'arm64 sva.one.fixture.late arm64 sva.two.other ' ] &&
		one_line vm run --list -t 'sva.four.* sva.five.*' && says "no test matches"
}

# A test can be named before it is listed; what the sources don't have is an error
t_new_test_by_name() {
	kernel_tests by_name
	echo 'TEST_F(fixture, fresh)' >>"$house/build/linux/tools/testing/selftests/sva/one.c"
	[ "$(vm run --list -t sva.one.fixture.fresh)" = 'arm64  sva.one.fixture.fresh' ] &&
		one_line vm run --list -t sva.one.fixture.frsh && says "no test matches"
}

# Which tests BASE=1 lacks follows from its sources
t_base_lacks_later_tests() {
	local got

	kernel_tests base
	got=$(BASE=1 "$python" -B - "$house/tools/vm/lib" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import catalog
		for plan in catalog.read_plans("*"):
		    print(plan.suite.name, plan.wanted, list(plan.absent))
	END
	) || return 1
	[ "$got" = "sva.one ['sva.one.fixture.early'] ['sva.one.fixture.late']
sva.two [] ['sva.two.other']" ] || { echo "# $got"; return 1; }
}

# What takes minutes there is left out with DEBUG=1, by whatever it was asked for
t_debug_leaves_out() {
	local said

	own_suites debug <<-'END'
		[some]
		archs = arm64
		run = exec /tests/some {select}
		not_debug = some.slow.*
	END
	printf '%s\n' some.fast.one some.slow.one >>"$house/tools/vm/data/tests"
	for glob in '*' 'some.*' 'some.*.one'; do
		said=$(DEBUG=1 "$python" -B - "$house/tools/vm/lib" "$glob" <<-'END'
			import sys
			sys.path.insert(0, sys.argv[1])
			import catalog
			plan, = catalog.read_plans(sys.argv[2])
			print(plan.wanted, plan.absent, plan.select())
		END
		) || return 1
		[ "$said" = "['some.fast.one'] {'some.slow.one': 'takes minutes with the debug kernel'} -r fast.one -r global.fast.one -r some.fast.one" ] ||
			{ echo "# $said"; return 1; }
	done
	said=$("$python" -B - "$house/tools/vm/lib" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import catalog
		plan, = catalog.read_plans("*")
		print(plan.wanted, plan.absent, plan.select())
	END
	) && [ "$said" = "['some.fast.one', 'some.slow.one'] {} " ]
}

t_skip_rules() {
	kernel_tests skips
	echo 'arm64 sva.*.late # no reason' >"$house/tools/vm/data/skips"
	vm run --list >/dev/null || return 1
	echo 'arm64 sva.*.nobody # no reason' >"$house/tools/vm/data/skips"
	one_line vm run --list && says 'no test .arm64. is called sva...nobody' || return 1
	echo 'arm64 sva.*' >"$house/tools/vm/data/skips"
	one_line vm run --list && says 'skips:1: not'
}

# An allowed reason is a skip, any other is none
t_skip_needs_its_reason() {
	local said

	own_suites reasons <<-'END'
		[some]
		archs = host
		on = host
		run = echo 1..2; echo 'ok 1 one # SKIP no ATS'; echo 'ok 2 two # SKIP no PRI'
	END
	printf '%s\n' some.one some.two >>"$house/tools/vm/data/tests"
	echo 'any some.* # no ATS' >"$house/tools/vm/data/skips"
	said=$(vm run) && return 1
	grep '^skip .*some.one' <<<"$said" >/dev/null &&
		grep '^unlisted .*some.two .*: no PRI' <<<"$said" >/dev/null
}

# A mutant's verdict: the test's, or that of the kernel's report after it had passed
t_verdict_from_xml() {
	local name want

	mkdir -p "$work/xml/arm64"
	cat >"$work/xml/arm64/s.xml" <<-'END'
		<testsuite name="s"><testcase name="s.good"/>
		<testcase name="s.bad"><failure type="timeout" message=""/></testcase>
		<testcase name="s"><failure type="splat" message=""/></testcase></testsuite>
	END
	cat >"$work/xml/arm64/t.xml" <<-'END'
		<testsuite name="t"><testcase name="t.good"/>
		<testcase name="t.skipped"><skipped message=""/></testcase></testsuite>
	END
	while read -r name want; do
		[ "$("$python" -B "$top/tools/vm/lib/junit.py" "$work/xml" "$name")" = "$want" ] ||
			{ echo "# $name is not $want"; return 1; }
	done <<-'END'
		s.good splat
		s.bad timeout
		t.good pass
		t.skipped skip
		t.none nothing
	END
}

# boot, run and demo say alike what is wrong, and end alike
t_bad_arch_of_each() {
	local c

	for c in commands/run commands/demo boot; do
		one_line "$top/tools/vm/$c" -a m68k && says "unknown architecture 'm68k'" || return 1
		"$top/tools/vm/$c" -a m68k 2>/dev/null
		[ $? = 2 ] || { echo "# $c: another status than 2"; return 1; }
	done
}

# Compiler, kernel image, machine, the device that stalls: data/machines has them
t_machines_are_written_once() {
	local found

	found=$(cd "$top/tools/vm" && grep -rnE \
		'aarch64-linux-gnu|qemu-system-[xa]|aarch64-softmmu|bzImage|x-stall=on|virt,iommu|-M q35|stall=on' \
		boot commands lib data/suites) || return 0
	echo "$found" | sed 's/^/# /'
	return 1
}

# One file says how variants' folders are called; scripts and Python read it
t_variants_are_written_once() {
	local v what here there

	for v in '' BASE DEBUG SAN 'BASE DEBUG' 'BASE DEBUG SAN'; do
		for what in kernel qemu; do
			here=$(env X=1 $(for n in $v; do echo $n=1; done) bash -c '. "$0/tools/vm/lib/lib.sh"
				. "$0/tools/vm/lib/variant.sh"; variant_suffix '$what "$top")
			there=$(env X=1 $(for n in $v; do echo $n=1; done) "$python" -B -c '
import sys; sys.path.insert(0, sys.argv[1] + "/tools/vm/lib")
import machines; print(machines.variant("'$what'"))' "$top")
			[ "$here" = "$there" ] || { echo "# $v: $here, $there"; return 1; }
		done
	done
	[ "$there" = -san ] && ! grep -nE -e '(out|obj|qemu|tree"?)-(base|debug|san)\b' "$top"/tools/vm/lib/*.{sh,py} \
		"$top"/tools/vm/commands/{build,mutate,run,demo} "$top/tools/vm/boot"
}

# ccache does not see what .incbin includes, such as the kernel in bzImage
t_included_files_count() {
	local d=$work/incbin word compiler

	# As the kernel is built
	eval "compiler=($(bash -c '. "$0/tools/vm/lib/lib.sh"
		. /dev/stdin; arch_use x86_64; printf "%s\n" "${kmake[@]}"' "$top" \
		< <(sed -n '/^arch_use()/,/^}/p' "$top/tools/vm/commands/build") |
		sed -n 's/^CC=//p'))"
	[ ${#compiler[@]} = 2 ] || return 1
	mkdir -p "$d"
	printf '.incbin "%s/blob"\n' "$d" >"$d/a.S"
	for word in one two; do
		printf %s "$word" >"$d/blob"
		(
			export PATH=$top/tools/vm/lib:$PATH CCACHE_DIR=$d/ccache CCACHE_DEPEND=1
			"${compiler[@]}" -Wp,-MMD,"$d/a.d" -c -o "$d/a.o" "$d/a.S"
		) && strings -n 3 "$d/a.o" | grep -x "$word" >/dev/null ||
			{ echo "# not $word"; return 1; }
	done
}

# Trees beside ours are where ccache takes their files for ours
t_trees_share_the_cache() {
	local got place

	new_house places || return 1
	for place in '' BASE=1; do
		got=$(env X=1 $place bash -c '. "$0/tools/vm/lib/lib.sh"
			. "$0/tools/vm/lib/repo.sh"; . "$0/tools/vm/lib/variant.sh"
			variant_tree; realpath -m --relative-to="$objs/x" "$ktree"
			[ "${ktree#"$place"/}" = linux ]' "$house") ||
			{ echo "# $place: the tree is not called linux: $got"; return 1; }
		[ "$got" = ../../linux ] || { echo "# $place: $got"; return 1; }
	done
}
