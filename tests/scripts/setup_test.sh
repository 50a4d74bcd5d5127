#!/usr/bin/env bash
# tools/setup with a PATH that holds only what each case allows: it installs nothing here.
set -euo pipefail
setup=$1/tools/setup
packages=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1/tools/packages.txt")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash=$(command -v bash)

fail() { echo "FAILED: $*" >&2; cat "$work/out" "$work/err" >&2; exit 1; }
# new_path: an empty PATH but for the tools that any system has
new_path() {
  rm -rf "$work/bin" "$work/calls" && mkdir "$work/bin" && : >"$work/calls"
  for tool in dirname sed mktemp rm tail cat; do ln -s "$(command -v "$tool")" "$work/bin/$tool"; done
}
# stub NAME SCRIPT: a program that first notes how it was called
stub() {
  printf '#!%s\necho "%s $*" >>"%s/calls"\n%s\n' "$bash" "$1" "$work" "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
run() { status=0; env -i PATH="$work/bin" TMPDIR="$work" "$bash" "$setup" >"$work/out" 2>"$work/err" || status=$?; }

# Without apt it prints what is needed, and the build may go on.
new_path
run
[ "$status" -eq 0 ] || fail "no apt: ended with $status"
grep -q "no Debian system" "$work/err" || fail "no apt: does not say so"
for package in $packages; do grep -qx "  $package" "$work/err" || fail "no apt: $package is not named"; done

# With everything installed it says and does nothing.
new_path
stub apt-get ''
stub dpkg-query 'echo installed'
stub id 'echo 0'
run
[ "$status" -eq 0 ] && [ ! -s "$work/out" ] && [ ! -s "$work/err" ] || fail "all installed: says something"
! grep -q '^apt-get' "$work/calls" || fail "all installed: calls apt-get"

# Only what is missing is installed.
new_path
stub apt-get ''
stub dpkg-query '[ "${*: -1}" = cmake ] && exit 1; echo installed'
stub id 'echo 0'
run
[ "$status" -eq 0 ] || fail "one missing: ended with $status"
grep -qx 'apt-get install -y -qq --no-install-recommends cmake' "$work/calls" || fail "one missing: not installed alone"

# A user without sudo gets the command for root.
new_path
stub apt-get ''
stub dpkg-query 'exit 1'
stub id 'echo 1000'
run
[ "$status" -eq 1 ] || fail "neither root nor sudo: ended with $status"
grep -q '^  apt-get install .*cmake' "$work/err" || fail "neither root nor sudo: no command to copy"
! grep -q '^apt-get' "$work/calls" || fail "neither root nor sudo: calls apt-get"

# What apt-get said is shown when it fails.
new_path
stub apt-get '[ "$1" = update ] || { echo "E: no space left"; exit 100; }'
stub dpkg-query 'exit 1'
stub id 'echo 0'
run
[ "$status" -eq 1 ] && grep -q "E: no space left" "$work/err" || fail "apt-get fails: its words are lost"
