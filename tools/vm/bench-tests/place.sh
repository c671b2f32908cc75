# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# Where the clone is, who runs it, and what his environment holds do not matter.
# Sourced by all.

# stub_commands <name>...: they do nothing in $house, and say that all is well
stub_commands() {
	local c

	for c; do
		printf '#!/bin/sh\n' >"$house/tools/vm/commands/$c"
	done
}

# A hook of git's has these, here for a linked work tree of the user's
t_git_hook() {
	local users=$work/users config id

	new_house hook || return 1
	back_to_base
	git init -q "$users"
	git -C "$users" commit -q --allow-empty -m first
	git -C "$users" worktree add -q "$users-linked" 2>/dev/null
	config=$(cat "$users/.git/config")
	id=$(git -C "$users" rev-parse HEAD)
	(
		cd "$users-linked" || exit
		GIT_DIR=$users/.git/worktrees/users-linked GIT_WORK_TREE=$users-linked \
			GIT_INDEX_FILE=$users/.git/worktrees/users-linked/index \
			GIT_PREFIX='' vm tree kernel
	) || return 1
	[ "$(cat "$users/.git/config")" = "$config" ] &&
		[ "$(git -C "$users" rev-parse HEAD)" = "$id" ] &&
		[ -z "$(git -C "$users-linked" status --porcelain)" ] &&
		[ "$(subjects)" = "cover: 0-fixes: Fixes|one: Fix b|one: Fix g|cover: 1-more: More|two: Add it|" ]
}

t_environment_is_known() {
	local got

	new_house environment || return 1
	got=$(CC=false CFLAGS=-m32 KCFLAGS=-O0 CROSS_COMPILE=x- W=1 LIBRARY_PATH=/x TAR_OPTIONS=-v \
		DEBUG=1 RUN='a b' https_proxy=http://p bash -c '
			. "$0/tools/vm/lib/lib.sh"
			echo "${CC-}${CFLAGS-}${KCFLAGS-}${CROSS_COMPILE-}${W-}${LIBRARY_PATH-}${TAR_OPTIONS-}"
			echo "$DEBUG $RUN $https_proxy"' "$house")
	[ "$got" = $'\n1 a b http://p' ] || { echo "# $got"; return 1; }
}

# The guest's init is compiled by its own compiler, whatever CC says
t_environment_cc() {
	new_house cc || return 1
	# A program in the guest includes the test driver's header
	mkdir "$house/drivers/iommu" && cp -r "$top/drivers/iommu/sva-test" "$house/drivers/iommu"
	CC=false vm build programs x86_64 "$house/root" && [ -s "$house/root/init" ]
}

t_environment_home_and_tmpdir() {
	local home

	new_house home || return 1
	env -u HOME TMPDIR=/no/such bash -c '"$0/tools/vm/commands/tree" kernel' "$house" ||
		return 1
	home=$(env -u HOME -u XDG_CACHE_HOME TMPDIR=/no/such bash -c '
		. "$0/tools/vm/lib/lib.sh"
		echo "$HOME $cache $TMPDIR"' "$house")
	[ "$home" = "$(getent passwd "$(id -u)" | cut -d: -f6) $(getent passwd "$(id -u)" | cut -d: -f6)/.cache/iommu-sva /tmp" ] ||
		{ echo "# $home"; return 1; }
}

# Caches go by the tree's id: none is no key, but an error
t_no_tree_id_no_key() {
	new_house no_id || return 1
	mv "$linux/.git/index" "$linux/.git/index.away"
	mkdir "$linux/.git/index"
	one_line vm build kernel x86_64 2>/dev/null
	vm build kernel x86_64 >"$work/said" 2>&1 && return 1
	tail -n 1 "$work/said" | grep 'cannot tell the state of build/linux' >/dev/null &&
		! ls "$XDG_CACHE_HOME"/iommu-sva/kernel 2>/dev/null
}

t_path_with_odd_characters() {
	local place

	new_house odd || return 1
	for place in 'a b' 'a,b' "a'b" 'a:b'; do
		mv "$house" "$work/$place"
		one_line make -C "$work/$place" test && says "no space, comma or punctuation" ||
			return 1
		mv "$work/$place" "$house"
	done
}

# As root in somebody else's clone, with somebody else's source
t_other_owner() {
	[ "$(id -u)" = 0 ] || { skip="giving files to another user needs root"; return 0; }
	new_house owner || return 1
	git -C "$linux" archive --prefix=src/ base | tar -x -C "$house"
	chown -R 65534 "$house"
	KERNEL_SRC=$house/src vm tree kernel && vm tree kernel --keep && vm export kernel --check
}

t_packages_of_another_architecture() {
	new_house foreign || return 1
	mkdir "$house/bin"
	cat >"$house/bin/dpkg-query" <<-'END'
		#!/bin/bash
		for p in $(sed 's/#.*//' "$PACKAGES"); do
			echo "installed amd64 $p"
			echo "installed arm64 $p"
		done | grep -v "$WITHOUT"
	END
	printf '#!/bin/sh\necho amd64\n' >"$house/bin/dpkg"
	printf '#!/bin/sh\necho "$@" >>%s\nfalse\n' "$house/apt" >"$house/bin/apt-get"
	printf '#!/bin/sh\n' >"$house/bin/sudo"
	chmod +x "$house"/bin/*
	sed -i "s,\"\$PACKAGES\",$house/tools/vm/data/packages," "$house/bin/dpkg-query"
	sed -i 's/"$WITHOUT"/nothing/' "$house/bin/dpkg-query"
	PATH=$house/bin:$PATH vm deps && [ ! -e "$house/apt" ] || return 1
	sed -i 's/nothing/"amd64 flex"/' "$house/bin/dpkg-query"
	PATH=$house/bin:$PATH one_line vm deps && says 'cannot install flex '
}

# Everything that is ever fetched is pinned, and a full DL_DIR is enough
t_dl_dir_is_enough() {
	local names name kind suite package file sha rest dl

	new_house dl_dir || return 1
	dl=$work/dl-full-of-all
	mkdir -p "$dl"
	names=$(awk '/^[^#]/ { print $1 }' "$top/tools/vm/data/sources")
	while read -r name kind suite package file sha rest; do
		[[ $package == *=* && $file == *.* && $sha =~ ^[0-9a-f]{64}$ ]] ||
			{ echo "# $name is not pinned"; return 1; }
		echo "source of $name" >"$dl/$file"
		sed -i "s/$sha/$(sha256sum "$dl/$file" | cut -d' ' -f1)/" \
			"$house/tools/vm/data/sources"
	done < <(grep '^[^#]' "$top/tools/vm/data/sources")
	for name in $(grep -ohE '(unpacked|"\$fetch"|\$\(fetch) [a-z0-9 -]+' \
			"$top"/tools/vm/commands/{build,tree} | sed 's/^[^ ]* //'
			sed -n -E 's/^(busybox|libcap) = //p' "$top/tools/vm/data/machines"); do
		[[ " $(tr '\n' ' ' <<<"$names")" == *" $name "* ]] ||
			{ echo "# $name is fetched, but not among the sources"; return 1; }
	done
	# shellcheck disable=SC2086
	DL_DIR=$dl vm fetch $names >/dev/null || return 1
	rm -rf "$XDG_CACHE_HOME" "$dl"/busybox*
	DL_DIR=$dl one_line vm fetch busybox-arm64 && says 'put busybox-static_[^ ]*_arm64.deb into'
}

t_list_into_head() {
	local first list

	for list in "$top/tools/vm/commands/run --list" "make -C $top --no-print-directory list"; do
		first=$($list 2>"$work/said" | head -n 1; exit "${PIPESTATUS[0]}") && [ -n "$first" ] &&
			[ ! -s "$work/said" ] || { cat "$work/said"; return 1; }
	done
}

t_bad_config() {
	one_line make -C "$top" test CONFIG='FTRACE' && says "CONFIG: 'FTRACE' is not like" &&
		one_line make -C "$top" test JOBS=many && says 'JOBS=many: not a number'
}

# A symbol that is asked for is set once, as asked for
t_config_replaces() {
	new_house config || return 1
	CONFIG='KSM=n CONFIG_FTRACE=y' bash -c '
		. "$0/tools/vm/lib/lib.sh"
		. "$0/tools/vm/lib/variant.sh"
		arch=arm64
		tree=$build/linux ktree=$build/linux
		fragments' "$house" >"$work/fragments" || return 1
	[ "$(grep -E '^(# )?CONFIG_(KSM|FTRACE)[ =]' "$work/fragments" | tr '\n' ' ')" = \
		'CONFIG_KSM=n CONFIG_FTRACE=y ' ] &&
		grep -x CONFIG_SMP=y "$work/fragments" >/dev/null
}

# The selftests say what they need, and only they
t_config_of_selftests() {
	local c twice

	new_house selftests_config || return 1
	mkdir -p "$linux/tools/testing/selftests/sva"
	echo CONFIG_OF_TESTS=y >"$linux/tools/testing/selftests/sva/config"
	bash -c '
		. "$0/tools/vm/lib/lib.sh"
		. "$0/tools/vm/lib/variant.sh"
		arch=arm64
		ktree=$build/linux
		tree=$ktree
		fragments' "$house" | grep -x CONFIG_OF_TESTS=y >/dev/null ||
		{ echo "# the selftests' own config is not read"; return 1; }
	c=$top/tools/testing/selftests/sva/config
	[ ! -e "$build/linux/.git" ] || c=$build/linux/tools/testing/selftests/sva/config
	twice=$(grep -hxF -f "$c" "$data"/config/{common,x86_64,arm64,debug}.config) || return 0
	echo "# twice: $twice"
	return 1
}

# A guest that says what nobody knows is a lost VM, not a traceback
t_unknown_frame() {
	"$python" -B - "$top/tools/vm/lib" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import vm
		for said in b"nonsense 3\nabc", b"exit 3\nabc", b"health 9\ntainted x":
		    machine = object.__new__(vm.VM)
		    machine.frames, machine.gone, machine.health, killed = b"", None, {}, []
		    machine.kill = lambda: killed.append(1)
		    machine.receive(said, None)
		    assert killed and machine.gone.startswith(
		        f"the side channel is garbled: b'{said.split()[0].decode()} "), said
	END
}

# A mutant of the user's own source is in a tree of its own, too: theirs is not broken
t_mutant_of_kernel_src() {
	local got

	new_house mutant_of_src || return 1
	mkdir -p "$house/src"
	got=$(MUTANT_DIR=$house/build/mutants/1 MUTANT_TREE=kernel KERNEL_SRC=$house/src bash -c '
		. "$0/tools/vm/lib/lib.sh"
		. "$0/tools/vm/lib/repo.sh"
		repo_use kernel
		echo "$tree"' "$house")
	[[ $got == "$house"/build/mutants/1/kernel-* ]] || { echo "# the tree is $got"; return 1; }
}
