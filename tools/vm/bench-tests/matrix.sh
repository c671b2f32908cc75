# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Which tests cover which behaviour. Sourced by all.

# rows <house> <<<rows: a house with these rows, a program of four tests, and
# results in which all of them have passed on SMMUv3
rows() {
	local d

	kernel_tests "$1"
	cat >"$house/tools/vm/data/matrix"
	d=$house/build/linux/tools/testing/selftests/sva
	program=$d/one.c
	cat >"$program" <<-'END'
		FIXTURE(fixture)
		/* matrix: 1 */
		TEST_F(fixture, early)
		/* matrix: 2 */
		TEST_F(fixture, late)
		/* matrix: 1 on VT-d */
		TEST(other)
	END
	printf '# head\n' >"$house/tools/vm/data/tests"
	printf 'sva.one.fixture.a.%s\n' early late >>"$house/tools/vm/data/tests"
	printf 'sva.one.other\n' >>"$house/tools/vm/data/tests"
	said_of sva.one.fixture.a.early= sva.one.fixture.a.late= sva.one.other=
}

two_rows() {
	rows "$1" <<-'END'
		1 one    The first
		   open VT-d # not there
		2 two    The second
		   open VT-d # not there
	END
}

# said_of <test>=<element>...: the results of the last run
said_of() {
	local t

	mkdir -p "$house/build/results/arm64"
	{
		echo "<testsuite name='sva.one'>"
		for t; do
			echo "<testcase name='${t%%=*}'>${t#*=}</testcase>"
		done
		echo "</testsuite>"
	} >"$house/build/results/arm64/sva.one.xml"
}

# red <number of the row> <pattern>: that row is, and for that reason
red() {
	local got

	got=$(vm matrix --tap -a arm64) && { echo "# no row is red"; return 1; }
	[[ $got =~ $2 ]] && grep "^not ok $1 " <<<"$got" >/dev/null &&
		[ "$(grep -c '^not ok' <<<"$got")" = 1 ] || { echo "$got"; return 1; }
}

t_matrix_of_what_passed() {
	local got

	two_rows matrix
	got=$(vm matrix) || { echo "$got"; return 1; }
	[ "$(tail -n 1 <<<"$got")" = "2 ok, 0 partly, 2 open, 0 red: 2 rows, SMMUv3 and VT-d" ] &&
		grep 'sva.one.\*: early' <<<"$got" >/dev/null &&
		grep 'VT-d: not there' <<<"$got" >/dev/null || { echo "$got"; return 1; }
	got=$(vm matrix --tap -a x86_64) &&
		grep '^ok 1 01_one # SKIP open$' <<<"$got" >/dev/null || { echo "$got"; return 1; }
	got=$(vm matrix -t two) && ! grep early <<<"$got" >/dev/null &&
		grep 'pass  *sva.one.fixture.a.late' <<<"$got" >/dev/null || { echo "$got"; return 1; }
	# It is for VT-d only
	got=$(vm matrix -t one) && ! grep other <<<"$got" >/dev/null || { echo "$got"; return 1; }
	one_line vm matrix -t three && says "no row matches 'three'"
}

t_matrix_test_that_fails() {
	two_rows matrix_fails
	said_of sva.one.fixture.a.early= \
		'sva.one.fixture.a.late=<failure type="fail" message=""/>' sva.one.other=
	red 2 'late: fail'
}

# A suite whose guest has died takes the tests with it that had passed before
t_matrix_suite_that_is_red() {
	local got

	two_rows matrix_suite
	said_of sva.one.fixture.a.early= sva.one.fixture.a.late= sva.one.other= \
		'sva.one=<failure type="splat" message=""/>'
	got=$(vm matrix --tap -a arm64) && return 1
	grep '^# sva.one.fixture.a.early: splat$' <<<"$got" >/dev/null
}

t_matrix_test_that_was_not_run() {
	two_rows matrix_not_run
	said_of sva.one.fixture.a.late= sva.one.other=
	red 1 'early: not run' || return 1
	rm "$house/build/results/arm64/sva.one.xml"
	one_line vm matrix && says 'no results in build/results: make test'
}

# What is skipped covers nothing
t_matrix_test_that_is_skipped() {
	two_rows matrix_skipped
	said_of sva.one.fixture.a.early= \
		'sva.one.fixture.a.late=<skipped message="no ATS"/>' sva.one.other=
	red 2 'no test passed, and no reason is given'
}

t_matrix_test_that_is_gone() {
	two_rows matrix_gone
	sed -i '/late/d' "$house/tools/vm/data/tests" "$house/build/results/arm64/sva.one.xml"
	red 2 'one.c:4: no test of that name'
}

t_matrix_row_without_test() {
	rows matrix_empty <<-'END'
		1 one    The first
		2 two    The second
		3 three  The third
	END
	red 3 'no test passed, and no reason is given' || return 1
	echo '   open SMMUv3 # not there' >>"$house/tools/vm/data/matrix"
	vm matrix --tap -a arm64 | grep '^ok 3 03_three # SKIP open$' >/dev/null
}

# A reason that is not true any more is red
# A suite whose sources say nothing is named below the row, for all of its tests
t_matrix_suites_of_a_row() {
	rows matrix_suites <<-'END'
		1 one    First
		   suites sva.o*
		2 two    Second
		3 three  Third
		   suites sva.one
	END
	vm matrix --tap -a arm64 | grep '^ok 3 03_three$' >/dev/null || return 1
	sed -i 's/sva.one$/sva.six/' "$house/tools/vm/data/matrix"
	one_line vm matrix && says 'row 3 names suites sva.six, and there are none'
}

t_matrix_row_is_not_open() {
	rows matrix_closed <<-'END'
		1 one    The first
		2 two    The second
		   open any # not there
	END
	red 2 'late passed, it is not open: not there' || return 1
	sed -i 's/open any/partly any/' "$house/tools/vm/data/matrix"
	vm matrix --tap -a arm64 >/dev/null &&
		vm matrix -a arm64 | grep 'partly, 1 passed' >/dev/null
}

t_matrix_bad_tag() {
	two_rows matrix_tag
	sed -i 's/matrix: 2/matrix: two/' "$program"
	one_line vm matrix && says 'one.c:4: not like' || return 1
	sed -i 's/matrix: two/matrix: 3/' "$program"
	one_line vm matrix && says 'for row 3, which there is not' || return 1
	sed -i 's/matrix: 3/matrix: 2/; s/TEST_F(fixture, late)/int late;/' "$program"
	one_line vm matrix && says "one.c:5: the tag before it is no test's"
}

# It judges what the others have said in the same run, and is started after them
t_matrix_is_last() {
	local got

	own_suites matrix_last <<-'END'
		[judge]
		archs = host
		on = host
		last = yes
		run = echo 1..1; [ -e build/results/host/slow.xml ] || printf 'not '; echo ok 1 after
		[slow]
		archs = host
		on = host
		run = sleep 2; echo 1..1; echo ok 1 one
	END
	printf '%s\n' judge.after slow.one >>"$house/tools/vm/data/tests"
	got=$(vm run) || { echo "$got"; return 1; }
}
