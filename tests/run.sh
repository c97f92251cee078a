#!/usr/bin/env bash
# Runs test programs (cmocka) and test scripts (TAP), shows what each says, and counts all their tests in its last line.
#   tests/run.sh PROGRAM...     exit status 0 when there was at least one test and none failed
# The tests run in the root of the source tree and find the daemon in VNC_DAEMON (an absolute path).
# A program that ends badly without naming a failed test, that ends before its last test, or that ran none, counts as one failed.
set -u
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
limit=${TEST_TIMEOUT_SECONDS:-900}  # for one program: nothing may hang the whole run

programs=()
for program in "$@"; do
  programs+=("$(realpath -- "$program")") || exit 2
done
cd "$source_dir" || exit 2
export VNC_DAEMON=${VNC_DAEMON:-$source_dir/vnc-orchestrator}

out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT

# The three counts of one program's output and how many tests it had promised, as "passed failed skipped promised".
count() {
  awk '
    { sub(/\r$/, "") }
    /^\[==========\] .*Running [0-9]+ test\(s\)\.$/ { promised += number_after("Running ") }
    /^\[       OK \] / { passed++ }
    /^\[  FAILED  \] .*[^:]$/ && !listed { failed++ }
    /^\[  FAILED  \] .*listed below:$/ { listed = 1 }
    /^\[==========\] .*Running / { listed = 0 }
    /^\[  SKIPPED \] .*[^:]$/ && !listed { skipped++ }
    /^\[  SKIPPED \] .*listed below:$/ { listed = 1 }
    /^ok [0-9]+/ { if ($0 ~ /# SKIP/) skipped++; else passed++ }
    /^not ok [0-9]+/ { failed++ }
    /^1\.\.[0-9]+/ { promised += number_after("1..") }
    function number_after(text,   rest) {
      rest = substr($0, index($0, text) + length(text))
      return rest + 0
    }
    END { print passed + 0, failed + 0, skipped + 0, promised + 0 }' "$1"
}

total_passed=0 total_failed=0 total_skipped=0 bad=()
for program in "${programs[@]}"; do
  name=${program#"$source_dir"/}
  printf '\n==== %s\n' "$name"
  started=$SECONDS
  timeout --foreground --kill-after=30 "$limit" "$program" </dev/null 2>&1 | tee "$out"
  status=${PIPESTATUS[0]}
  read -r passed failed skipped promised < <(count "$out")
  why=
  if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    why="stopped after $limit s"
  elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    why="ended with status $status and no failed test"
  elif [ $((passed + failed + skipped)) -eq 0 ]; then
    why="ran no test"
  elif [ $((passed + failed + skipped)) -ne "$promised" ]; then
    why="promised $promised tests"
  fi
  [ -z "$why" ] || failed=$((failed + 1))
  printf -- '---- %s: %d passed, %d failed%s, %d s%s\n' "$name" "$passed" "$failed" \
    "$([ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped")" $((SECONDS - started)) "${why:+ ($why)}"
  [ "$failed" -eq 0 ] || bad+=("$name")
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  total_skipped=$((total_skipped + skipped))
done

printf '\n'
[ "${#bad[@]}" -eq 0 ] || printf 'failed: %s\n' "${bad[@]}"
[ "$total_skipped" -eq 0 ] || printf '%d skipped\n' "$total_skipped"
printf '%d passed, %d failed\n' "$total_passed" "$total_failed"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
