# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# SHARD=k/n, make merge, and the job files that use them. Sourced by all.

# What each of $1 machines has, a line a machine and suite
divided() {
	"$python" -B - "${house:-$top}/tools/vm/lib" "$1" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import catalog, shards
		plans = [p for p in catalog.read_plans("*") if p.chosen]
		for i, shard in enumerate(shards.divide(plans, int(sys.argv[2])), 1):
		    for p in shard:
		        print(i, p.suite.arch, p.suite.name)
	END
}

# Everything, nothing twice, and the same whoever asks; what judges the others is left
# to make merge
t_shard_union_is_everything() {
	local n all got

	unset house
	all=$(divided 1 | cut -d' ' -f2- | sort)
	for n in 2 3 4 7 99; do
		got=$(PYTHONHASHSEED=1 divided $n) &&
			[ "$got" = "$(PYTHONHASHSEED=2 divided $n)" ] ||
			{ echo "# $n: not the same twice"; return 1; }
		diff <(grep -v ' matrix$' <<<"$all") <(cut -d' ' -f2- <<<"$got" | sort) ||
			{ echo "# $n: not all suites, or one twice"; return 1; }
	done
	[ "$(grep -c ' matrix$' <<<"$all")" = 2 ]
}

# The names that make list prints come from the same division
t_shard_lists_each_test_once() {
	local k

	for k in 1 2 3; do
		"$commands/run" --list --shard $k/3 || return 1
	done | sort >"$work/by-three"
	diff <("$commands/run" --list | grep -v ' matrix\.' | sort) "$work/by-three"
}

# 20 + 10 on one architecture, 20 on the other, 5 for both
four_suites() {
	local name

	own_suites "$1" </dev/null
	for name in long short far; do
		printf '[%s]\narchs = %s\nrun = true\n' $name \
			"$([ $name = far ] && echo arm64 || echo x86_64)"
	done >"$house/tools/vm/data/suites"
	printf '[local]\narchs = host\non = host\nrun = true\n' >>"$house/tools/vm/data/suites"
	printf '%s\n' 'x86_64 long 20' 'x86_64 short 10' 'arm64 far 20' 'host local 5' \
		>"$house/tools/vm/data/times"
}

t_shard_is_balanced() {
	four_suites balanced
	[ "$(divided 2 | tr '\n' ,)" = '1 arm64 far,1 host local,2 x86_64 long,2 x86_64 short,' ] &&
		[ "$(divided 3 | tr '\n' ,)" = '1 arm64 far,2 x86_64 long,3 x86_64 short,3 host local,' ] ||
		{ divided 2; divided 3; return 1; }
	# Without times each counts as much
	rm "$house/tools/vm/data/times"
	[ "$(divided 3 | tr '\n' ,)" = '1 arm64 far,1 host local,2 x86_64 long,3 x86_64 short,' ]
}

# A machine builds the kernels of its own suites only
t_shard_builds_one_architecture() {
	four_suites one_arch
	[ "$(vm run --archs --shard 1/2)/$(vm run --archs --shard 2/2)/$(vm run --archs)" = \
		'arm64/x86_64/arm64 x86_64' ] || return 1
	printf '#!/bin/sh\necho "setup: ARCH=$ARCH"\n' >"$house/tools/vm/commands/setup"
	printf '#!/bin/sh\n' >"$house/tools/vm/commands/deps"
	[ "$(SHARD=2/2 DRY=1 vm make test | head -n 1)" = 'setup: ARCH=x86_64' ]
}

t_shard_bad_value() {
	local s

	for s in 0/2 3/2 2 1/0 a/b 1/2/3 -1/2 1/100 '1 / 2'; do
		one_line "$commands/run" --list --shard="$s" && says "SHARD=$s: not like 2/4" || return 1
		"$commands/run" --list --shard="$s" 2>/dev/null
		[ $? = 2 ] || { echo "# $s: another status than 2"; return 1; }
	done
	one_line make -C "$top" test SHARD=3/2 && says 'SHARD=3/2: not like' &&
		one_line make -C "$top" merge && says 'SHARDS= names' &&
		one_line make -C "$top" merge SHARDS=/no/such && says 'SHARDS=/no/such: no such folder' &&
		mkdir -p "$work/no-results" &&
		one_line make -C "$top" merge SHARDS="$work/no-results" && says 'no results below it'
}

# A shard that has no suite is no failure, and says that it had none
t_shard_with_nothing() {
	local said

	one_and_two nothing
	said=$(vm run --shard 2/2) || { echo "$said"; return 1; }
	[ "$(tail -n 2 <<<"$said")" = $'shard 2/2: 0 of 1 suites\n0 passed, 0 failed, 0 skipped' ]
}

# Three suites of two machines, and one that judges their results
sharded() {
	own_suites "$1" <<-'END'
		[first]
		archs = host
		on = host
		run = echo 1..2; echo ok 1 one; echo 'ok 2 two # SKIP no such'
		[second]
		archs = host
		on = host
		run = echo 1..1; echo ok 1 one
		[third]
		archs = host
		on = host
		run = echo 1..1; [ ! -e bad ] && echo ok 1 one || echo not ok 1 one
		[judge]
		archs = host
		on = host
		last = yes
		run = echo 1..1; ls "$RESULTS"/host/third.xml >/dev/null && echo ok 1 done
	END
	printf '%s\n' first.one first.two second.one third.one judge.done \
		>>"$house/tools/vm/data/tests"
	echo 'any first.two # no such' >"$house/tools/vm/data/skips"
	sed -i "s,\$RESULTS,$house/build/merged," "$house/tools/vm/data/suites"
}

run_shards() {
	local k

	rm -rf "$house"/s[0-9]*
	for k; do
		rm -rf "$house/build/results"
		vm run --shard "$k" >"$house/said-${k%/*}"
		mkdir -p "$house/s${k%/*}" && mv "$house/build/results" "$house/s${k%/*}/results"
	done
}

merged() {
	VM_RESULTS=$house/build/merged vm run --merge "$house"
}

t_merge_says_what_one_run_says() {
	local said

	sharded merge
	run_shards 1/2 2/2
	said=$(merged) || { echo "$said"; return 1; }
	[ "$(tail -n 1 <<<"$said")" = "4 passed, 0 failed, 1 skipped" ] || { echo "$said"; return 1; }
	grep -q '^pass  *host  *judge.done' <<<"$said" &&
		[ "$(cd "$house/build/merged" && grep -c '<testsuite ' junit.xml)" -ge 1 ] || return 1
	"$python" - "$house/build/merged" <<-'END'
		import sys, xml.etree.ElementTree as ET
		root = ET.parse(sys.argv[1] + "/junit.xml").getroot()
		cases = [(c.get("classname"), c.get("name")) for c in root.iter("testcase")]
		assert len(cases) == len(set(cases)) == 5, cases
		names = [s.get("name") for s in root]
		assert sorted(names) == ["host.first", "host.judge", "host.second", "host.third"], names
		ktap = open(sys.argv[1] + "/results.ktap").read().splitlines()
		assert ktap[:2] == ["KTAP version 1", "1..4"], ktap
		assert sum(l.startswith("ok ") for l in ktap) == 4, ktap
		assert sum(l.startswith("  ok ") for l in ktap) == 5, ktap
	END
}

t_merge_misses_a_shard() {
	local said

	sharded missing
	run_shards 1/2 2/2
	rm -r "$house/s1"
	said=$(merged) && { echo "$said"; return 1; }
	grep '^missing .*no shard has run it' <<<"$said" >/dev/null &&
		[ "$(tail -n 1 <<<"$said")" = "1 passed, 4 failed, 0 skipped" ] ||
		{ echo "$said"; return 1; }
	# A shard that was another's, too
	run_shards 1/2 2/2
	cp -r "$house/s1" "$house/s3"
	said=$(merged) && { echo "$said"; return 1; }
	grep '^twice .*in .*s1/results/host and .*s3/results/host' <<<"$said" >/dev/null ||
		{ echo "$said"; return 1; }
	# One that knows another list of tests
	run_shards 1/2 2/2
	echo third.new >>"$house/tools/vm/data/tests"
	said=$(merged) && { echo "$said"; return 1; }
	grep '^missing .*third.new' <<<"$said" >/dev/null
}

t_merge_is_red_where_a_shard_is() {
	local said

	sharded red
	touch "$house/bad"
	run_shards 1/2 2/2
	said=$(merged) && { echo "$said"; return 1; }
	[ "$(tail -n 1 <<<"$said")" = "3 passed, 1 failed, 1 skipped" ] &&
		grep '^fail  *host  *third.one' <<<"$said" >/dev/null &&
		grep '^not ok . host.third' "$house/build/merged/results.ktap" >/dev/null ||
		{ echo "$said"; return 1; }
	# What an earlier merge has left does not count
	rm "$house/bad"
	run_shards 1/2 2/2
	touch "$house/build/merged/host/gone.xml"
	merged >/dev/null && [ ! -e "$house/build/merged/host/gone.xml" ]
}

# A suite without a time gets one, with UPDATE=1; the others keep theirs
t_times_of_new_suites() {
	one_and_two times
	printf '# head\nhost gone 7\n' >"$house/tools/vm/data/times"
	vm run --update >/dev/null
	[ "$(cat "$house/tools/vm/data/times")" = $'# head\nhost some 1' ] || return 1
	sed -i 's/some 1/some 9/' "$house/tools/vm/data/times"
	vm run --update >/dev/null
	grep -x 'host some 9' "$house/tools/vm/data/times" >/dev/null || return 1
	echo 'host some' >>"$house/tools/vm/data/times"
	one_line vm run --list --shard 1/2 && says 'times:3: not'
}
