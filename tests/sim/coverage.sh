#!/usr/bin/env bash
# What the simulation alone reaches of the core: every transition of the slot table, lines and branches of each file.
#   tests/sim/coverage.sh BUILD_FOLDER     exit status 0 when nothing is left out that tests/sim/unreached.txt does not account for
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(realpath -- "$1")
reasons=$source_dir/tests/sim/unreached.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find "$build" -name '*.gcda' -delete
"$build/tests/sim/sim_test" --seeds "${SEEDS:-60000}" --first "${FIRST_SEED:-1}" --moves

# One line for each line of code never reached, and for each that has a branch never taken: "file:text of the line".
gcov --stdout --branch-probabilities --branch-counts "$build"/src/core/*.gcda >"$work/gcov"
printf '\n%-24s %16s %16s\n' file lines branches
awk -v missing="$work/missing" '
  function finish() {
    if (ours) printf "%-24s %6d of %6d %6d of %6d\n", file, hit, lines, taken, branches
    lines = hit = branches = taken = 0
  }
  /^ *-: *0:Source:/ {
    finish()
    file = $0; sub(/.*Source:/, "", file); ours = file ~ /src\/core\/[a-z]*\.cc$/; sub(/.*\//, "", file)
    next
  }
  !ours { next }
  $1 == "branch" {
    if (!line_hit) next
    branches++
    if ($0 !~ /never executed/ && $4 + 0 > 0) taken++
    else if (!told) { print file ":" text > missing; told = 1 }
    next
  }
  /^ *[-#=0-9*]+: *[1-9]/ {
    split($0, part, ":")
    count = part[1]; gsub(/ /, "", count)
    text = substr($0, length(part[1]) + length(part[2]) + 3); sub(/^ +/, "", text)
    line_hit = told = 0
    if (count == "-") next
    lines++
    line_hit = count !~ /^[#=]/
    if (line_hit) hit++; else print file ":" text > missing
  }
  END { finish() }' "$work/gcov"

touch "$work/missing"
sort -u "$work/missing" >"$work/found"
# Each accounted for: "pattern ## reason"; a pattern is an extended regular expression for all of "file:text of the line".
sed -n 's/^\([^#].*[^ ]\) *## .*/^(\1)$/p' "$reasons" >"$work/known"
grep -Evf "$work/known" "$work/found" >"$work/unknown" || true
printf '\n%d lines of code have a branch that no schedule has taken, %d of them for a reason given in tests/sim/unreached.txt\n' \
  "$(wc -l <"$work/found")" "$(($(wc -l <"$work/found") - $(wc -l <"$work/unknown")))"
while IFS= read -r pattern; do
  grep -Eq -- "$pattern" "$work/found" || printf 'accounted for, and yet reached, or not there any more: %s\n' "$pattern"
done <"$work/known"
if [ -s "$work/unknown" ]; then
  printf 'never reached, and no reason given:\n'
  cat "$work/unknown"
  exit 1
fi
