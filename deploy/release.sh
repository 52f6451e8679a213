#!/usr/bin/env bash
# Builds the released program without symbols, and packs it: custsync-VERSION-TARGET.tar.gz holds the program, pages of the
# manual, completions, licences and documentation. Beside it are SHA256SUMS, the program itself, and a file that holds the
# symbols. If program and symbols are in one folder, backtraces, gdb and perf have names and lines.
#
# usage: deploy/release.sh [FOLDER]      (default: target/dist)
#
# RELEASE_PROFILE names another profile of cargo (default: profiling), such as dev for a trial. RELEASE_PGO=off leaves out
# deploy/pgo.sh, by which the program takes less time, and which says what it needs. The archive of one program has always the same
# bytes: its times are that of the commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-target/dist}
profile=${RELEASE_PROFILE:-profiling}
# Without optimisation, there is nothing to lay out.
pgo=${RELEASE_PGO:-$([ "$profile" = dev ] && echo off || echo on)}
for tool in objcopy sha256sum; do
    if ! command -v "$tool" >/dev/null; then
        printf '%s is missing: install binutils and coreutils\n' "$tool" >&2
        exit 1
    fi
done
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
case $pgo in
    on) built=$(deploy/pgo.sh "$profile") ;;
    off)
        cargo build --profile "$profile" --locked --bin custsync
        # The profile dev builds in a folder of another name.
        built=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")/custsync
        ;;
    *)
        printf 'RELEASE_PGO is %s: on or off is expected\n' "$pgo" >&2
        exit 1
        ;;
esac
mkdir -p "$folder"
cp "$built" "$folder/custsync"

version=$("$folder/custsync" -V)
version=${version#custsync }
target=$("$folder/custsync" --version | sed -n 's/^target: *//p')
name=custsync-$version-$target
# The folder to pack. It is made anew, so that no file of an earlier release is in it.
rm -rf "${folder:?}/$name"
mkdir -p "$folder/$name/man" "$folder/$name/completions"
cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$folder/$name/"
cp -r docs "$folder/$name/docs"

# The program must record the name of the symbol file without a folder, so the next commands run in that folder.
cd "$folder"
objcopy --only-keep-debug custsync custsync.debug
objcopy --strip-all --add-gnu-debuglink=custsync.debug custsync
chmod -x custsync.debug
cp custsync "$name/custsync"

./custsync man >"$name/man/custsync.1"
# The pages of the commands are those that the first page names.
pages=$(grep -o 'custsync\\-[a-z\\-]*(1)' "$name/man/custsync.1" | tr -d '\\' | sort -u)
for page in $pages; do
    page=${page%(1)}
    ./custsync man "${page#custsync-}" >"$name/man/$page.1"
done
./custsync completions bash >"$name/completions/custsync.bash"
./custsync completions elvish >"$name/completions/custsync.elv"
./custsync completions fish >"$name/completions/custsync.fish"
./custsync completions powershell >"$name/completions/_custsync.ps1"
./custsync completions zsh >"$name/completions/_custsync"

tar --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' --format=gnu -cf - "$name" \
    | gzip -9n >"$name.tar.gz"
rm -r "$name"
sha256sum "$name.tar.gz" custsync custsync.debug >SHA256SUMS
ls -l custsync custsync.debug "$name.tar.gz" SHA256SUMS
