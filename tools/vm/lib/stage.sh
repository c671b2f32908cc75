# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Long work, one stage after another: which one runs and for how long on a
# terminal, plain lines elsewhere, the times of all at the end. Sourced.

stage_n=0
stage_m=0
stage_times=

elapsed() {
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

ticker() {
	local t0=$SECONDS

	while sleep 1; do
		printf '\r[%d/%d] %s  %s ' "$stage_n" "$stage_m" "$1" \
			"$(elapsed $((SECONDS - t0)))"
	done
}

# stage <name> <command...>: its output goes to build/log/<name>.log; if it
# fails, the end of that is shown and the run ends.
stage() {
	local name=$1 log t0=$SECONDS pid='' rc=0
	shift

	stage_n=$((stage_n + 1))
	mkdir -p "$build/log"
	log=$build/log/$(echo "$name" | tr ' /' '--').log
	if [ -t 1 ]; then
		ticker "$name" &
		pid=$!
	fi
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	if [ -n "$pid" ]; then
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null || true
		printf '\r\033[K'
	fi
	if [ $rc -ne 0 ]; then
		echo "[$stage_n/$stage_m] $name: failed after $(elapsed $((SECONDS - t0)))"
		# One line where one was given, the end of the log otherwise.
		if [ "$(wc -l <"$log")" -le 3 ]; then
			cat "$log" >&2
		else
			tail -n 40 "$log" >&2
			note "$name failed, all of its output: ${log#"$top"/}"
		fi
		exit 1
	fi
	t0=$((SECONDS - t0))
	stage_times+=$(printf '%-24s %s' "$name" "$(elapsed $t0)")$'\n'
	# What was up to date is not worth a line.
	[ $t0 -lt 2 ] || echo "[$stage_n/$stage_m] $name: $(elapsed $t0)"
}
