# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# RESUME=1: what need not run again, and what has to. Sourced by all.

# Suites that write down that they ran: one passes, one fails, one skips. Only
# suites with a guest are kept, and these stand for them.
three_suites() {
	own_suites "$1" <<-'END'
		[good]
		archs = host
		on = host
		run = echo good >>ran; echo 1..1; echo ok 1 one
		[bad]
		archs = host
		on = host
		run = echo bad >>ran; echo 1..1; echo not ok 1 one
		[half]
		archs = host
		on = host
		run = echo half >>ran; echo 1..1; echo 'ok 1 one # SKIP not here'
	END
	printf '%s.one\n' good bad half >>"$house/tools/vm/data/tests"
	printf 'any half.one # not here\n' >"$house/tools/vm/data/skips"
	sed -i 's/ s.on != "guest" or / /' "$house/tools/vm/lib/kept.py"
}

# ran <suite>...: since the last time these did, in any order
ran() {
	local got

	got=$(sort "$house/ran" 2>/dev/null | tr '\n' ' ')
	rm -f "$house/ran"
	[ "$got" = "${*:+$* }" ] || { echo "# ran: $got"; return 1; }
}

t_resume_runs_what_is_red() {
	local said

	three_suites resume
	vm run >/dev/null && return 1
	ran bad good half || return 1
	said=$(vm run --resume) && return 1
	echo "$said"
	ran bad && [ "$(tail -n 1 <<<"$said")" = "1 passed, 1 failed, 1 skipped" ] &&
		grep '^-- host good: .*, kept from an earlier run$' <<<"$said" >/dev/null &&
		grep '^skip .* half.one .*: not here$' <<<"$said" >/dev/null &&
		grep '^2 suites kept ' <<<"$said" >/dev/null
}

t_resume_only_if_asked() {
	three_suites no_resume
	vm run >/dev/null
	ran bad good half || return 1
	RESUME=1 vm run >/dev/null
	ran bad good half
}

# A part of a suite is not the suite, and one that was killed has not passed
t_resume_not_after_less() {
	three_suites less
	sed -i 's/^run = echo good.*/run = echo good >>ran; echo 1..2; echo ok 1 one; echo ok 2 two/' \
		"$house/tools/vm/data/suites"
	printf 'good.two\n' >>"$house/tools/vm/data/tests"
	vm run -t good.one >/dev/null || return 1
	ran good || return 1
	vm run --resume -t 'good.*' >/dev/null || return 1
	ran good || return 1
	sed -i 's/echo ok 2 two$/kill $$/' "$house/tools/vm/data/suites"
	vm run -t 'good.*' >/dev/null && return 1
	ran good || return 1
	sed -i 's/kill $$$/echo ok 2 two/' "$house/tools/vm/data/suites"
	vm run --resume -t 'good.*' >/dev/null || return 1
	ran good
}

# Whatever a verdict depends on
t_resume_after_changes() {
	local d change

	three_suites changes
	d=$house/tools/vm
	mkdir -p "$house/build/out/host" "$house/build/out/qemu/bin"
	printf 'kernel\n' >"$house/build/out/host/Image"
	vm run >/dev/null
	ran bad good half || return 1
	for change in \
		"echo another >>$house/build/out/host/Image" \
		"touch $house/build/out/qemu/bin/qemu-system-x86_64" \
		"sed -i 's/echo good/echo  good/' $d/data/suites" \
		"echo '# comment' >>$d/data/machines" \
		"echo '# comment' >>$d/lib/vm.py" \
		"echo '# comment' >>$d/commands/run"; do
		vm run --resume >/dev/null
		ran bad || return 1
		eval "$change"
		vm run --resume -t 'good.*' >/dev/null
		ran good || { echo "# kept after: $change"; return 1; }
		vm run >/dev/null
		rm -f "$house/ran"
	done
	# Another reason to skip, another list of tests
	printf 'any good.one # no longer\n' >>"$d/data/skips"
	vm run --resume >/dev/null
	ran bad good || return 1
	vm run >/dev/null
	rm -f "$house/ran"
	printf 'half.two\n' >>"$d/data/tests"
	vm run --resume >/dev/null
	ran bad half
}
