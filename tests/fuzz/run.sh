#!/usr/bin/env bash
# Runs libFuzzer on each target for some seconds, from the inputs kept in the tree and those found in earlier runs, and counts the inputs.
#   tests/fuzz/run.sh BUILD_FOLDER SECONDS [TARGET...]
# An input that breaks a property is kept in BUILD_FOLDER/build/fuzz/found; the exit status is then 1. To keep it for good: mend the rule, and
# put the input into tests/fuzz/corpus/TARGET under a name that says what it was.
# To keep what else was found, beside the named ones the fewest that reach as much (the new folder takes the place of the old):
#   TARGET_fuzz -set_cover_merge=1 -use_counters=0 NEW_FOLDER_WITH_THE_NAMED_ONES tests/fuzz/corpus/TARGET build/fuzz/corpus/TARGET
set -u
build=$1/build/fuzz seconds=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$#" -eq 0 ]; then
  for source in "$here"/*_fuzz.cc; do set -- "$@" "$(basename "$source" _fuzz.cc)"; done
fi

# Bytes of an input: the shorter the text of a door usually is, the more inputs a second.
most_of() {
  case "$1" in
    identity | shape | target | text) echo 200 ;;
    *) echo 1500 ;;
  esac
}

mkdir -p "$build/found"
total=0 bad=()
printf '%-20s %14s %10s %8s\n' target inputs 'a second' kept
for target in "$@"; do
  grown=$build/corpus/$target log=$build/$target.log
  mkdir -p "$grown"
  options=(-max_total_time="$seconds" -max_len="$(most_of "$target")" -len_control=20 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
    -artifact_prefix="$build/found/$target-")
  [ ! -e "$here/$target.dict" ] || options+=(-dict="$here/$target.dict")
  if ! "$build/tests/fuzz/${target}_fuzz" "${options[@]}" "$grown" "$here/corpus/$target" >"$log" 2>&1; then
    bad+=("$target")
    grep -aE 'does not hold|ERROR|runtime error|Test unit written' -A 2 "$log" | head -n 20
  fi
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  printf '%-20s %14s %10s %8s\n' "$target" "${inputs:-0}" "${rate:-0}" "$(find "$grown" -type f | wc -l)"
  total=$((total + ${inputs:-0}))
done
printf '%-20s %14s\n' total "$total"
[ "${#bad[@]}" -eq 0 ] || {
  printf 'a finding in: %s (see %s)\n' "${bad[*]}" "$build/found"
  exit 1
}
