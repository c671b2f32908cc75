# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# patches/ as commits of a tree, and commits that are not in patches/ put onto
# patches that have changed. Sourced after repo.sh.

apply_topic() {
	local topic=$1 p

	if [ "$repo" = kernel ]; then
		[ -e "$pdir/$topic/cover-letter" ] ||
			die "patches/$topic: no cover-letter"
		{
			printf 'cover: %s: ' "$topic"
			cat "$pdir/$topic/cover-letter"
		} | tgit commit -q --allow-empty --cleanup=verbatim -F -
	fi
	for p in "$pdir/$topic"/*.patch; do
		[ -e "$p" ] || continue
		tgit am -q --keep-cr --no-gpg-sign "$p" >"$build/log/am.log" 2>&1 || {
			tgit am --abort
			die "${p#"$top"/} does not apply to ${source_override:-$base_name}: $(grep -m1 '^error:' "$build/log/am.log" || tail -n1 "$build/log/am.log")"
		}
	done
}

export_identity() {
	# A committer is needed even where git knows no user; exports omit him.
	export GIT_COMMITTER_NAME=tree GIT_COMMITTER_EMAIL=tree@localhost
	export GIT_AUTHOR_NAME=tree GIT_AUTHOR_EMAIL=tree@localhost
}

apply_topics() {
	local topic

	mkdir -p "$build/log"
	for topic in $(topics); do
		apply_topic "$topic"
	done
}

# describe <list> <commit>: of each commit after the base one line
#   <list> <id> <hash of message> <hash of change> <key>
# The key says which patch it is: its topic, its subject, and the how many-th of
# this subject it is there.
describe() {
	local list=$1 id
	shift

	{
		tgit log -p --format='commit %H' "base..$1" | tgit patch-id --stable
		echo --
		for id in $(tgit rev-list --reverse base.."$1"); do
			echo "$id $(tgit log -1 --format=%B "$id" | sha256sum | cut -c1-40)" \
				"$(tgit log -1 --format=%s "$id")"
		done
	} | awk -v list="$list" '
		$1 == "--" { described = 1; next }
		!described { change[$2] = $1; next }
		{
			id = $1; message = $2; subject = substr($0, 83)
			if (subject ~ /^cover: /) {
				topic = subject
				sub(/^cover: /, "", topic)
				sub(/:.*/, "", topic)
				subject = "cover"
			}
			key = topic "/" subject
			print list, id, message, change[id] ? change[id] : "empty", \
				key "#" ++seen[key]
		}'
}

# merge_series: what git rebase has to do, from the descriptions of three series:
# old (patches/ as they were), mine (main), new (patches/ as they are). In the
# order of the new one: what only one side has changed is taken from there; where
# both have, mine is squashed into the new, and git tells if they are at odds.
# What I added comes after the patch that it came after.
merge_series() {
	awk '
	{
		key = $0
		sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", key)
		id[$1, key] = $2; message[$1, key] = $3; change[$1, key] = $4
		order[$1, ++n[$1]] = key
	}
	function same(a, b, key) {
		return message[a, key] == message[b, key] && change[a, key] == change[b, key]
	}
	# Added by me, or changed by me and removed by the other
	function only_mine(key) {
		return !(("new", key) in id) && !(("old", key) in id && same("old", "mine", key))
	}
	function merge(key) {
		if (!(("old", key) in id)) {
			print "pick", id["new", key]
			if (("mine", key) in id && !same("mine", "new", key))
				print "fixup", id["mine", key]
		} else if (!(("mine", key) in id)) {
			# Removed by me: it is the other who decides if it was changed
			if (!same("old", "new", key))
				print "pick", id["new", key]
		} else if (same("old", "new", key)) {
			print "pick", id["mine", key]
		} else {
			print "pick", id["new", key]
			if (change["mine", key] != change["old", key])
				print (message["mine", key] != message["old", key] ? \
					"fixup -C" : "fixup"), id["mine", key]
			else if (message["mine", key] != message["old", key])
				print "fixup -C", id["mine", key]
		}
	}
	function added_after(key,	i) {
		for (i = 1; i <= n["mine"]; i++)
			if (anchor[i] == key)
				print "pick", id["mine", order["mine", i]]
	}
	END {
		last = ""
		for (i = 1; i <= n["mine"]; i++) {
			key = order["mine", i]
			if (only_mine(key))
				anchor[i] = last
			else if (("new", key) in id)
				last = key
			if (!only_mine(key))
				anchor[i] = "none"
		}
		added_after("")
		for (i = 1; i <= n["new"]; i++) {
			merge(order["new", i])
			added_after(order["new", i])
		}
	}'
}

# The commits of main that patches/ as they were do not have, and patches/ as they
# are, as one series. The work is git rebase's: a conflict is solved and continued
# in the tree, or all is aborted.
rebase_onto_new() {
	local todo=$tree/.git/bench-todo

	on_main || die "$where is not on its branch main: git switch main, then make tree REBASE=1"
	! in_rebase || die "$where: a rebase is not at its end: git rebase --continue, or --abort"
	! is_dirty || die "$where has changes that are not committed: commit or stash them, then make tree REBASE=1"
	export_identity
	tgit checkout -q --detach base
	trap 'tgit checkout -q -f main' EXIT
	apply_topics
	remember refs/bench/next -next
	trap - EXIT
	tgit checkout -q main
	tgit update-ref refs/bench/before main
	{
		describe old refs/bench/synced
		describe mine main
		describe new refs/bench/next
	} | merge_series >"$todo"
	# Reached at the end, not if it is aborted
	echo "exec git update-ref refs/bench/rebased HEAD" >>"$todo"
	GIT_SEQUENCE_EDITOR="cp '$todo'" tgit rebase -q -i --empty=drop base main || {
		in_rebase || die "$where: git rebase fails"
		die "$where: both sides have changed $(tgit diff --name-only --diff-filter=U | one_line 3): solve it there, git add, git rebase --continue (or --abort), then make export"
	}
	settle_rebase
	note "$where: your commits and $patches are one series now (before: refs/bench/before): make test, make export"
}
