#!/usr/bin/env bash
# Runs test programs (cmocka) and test scripts (TAP), shows what each says, and counts all their tests in its last line.
#   tests/run.sh PROGRAM... [-- PROGRAM...]     exit status 0 when there was at least one test and none failed
# What stands behind -- runs beside the others, one after the other: programs that wait most of the time. Shown when they have ended.
# The tests run in the root of the source tree and find the daemon in VNC_DAEMON (an absolute path).
# A program that ends badly without naming a failed test, that ends before its last test, or that ran none, counts as one failed.
set -u
started_in=$PWD
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
limit=${TEST_TIMEOUT_SECONDS:-900}  # for one program: nothing may hang the whole run

cd "$source_dir" || exit 2
export VNC_DAEMON=${VNC_DAEMON:-$source_dir/vnc-orchestrator}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'trap - INT TERM; kill -TERM 0' INT TERM  # those beside, too: a shell lets them ignore Ctrl+C

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

# run_one PROGRAM OUT: runs it, shows what it says, notes "passed failed skipped name" in $scratch/counts.
run_one() {
  local name=${1#"$source_dir"/} out=$2 started=$SECONDS status passed failed skipped promised why=
  printf '\n==== %s\n' "$name"
  timeout --foreground --kill-after=30 "$limit" "$1" </dev/null 2>&1 | tee "$out"
  status=${PIPESTATUS[0]}
  read -r passed failed skipped promised < <(count "$out")
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
  printf '%d %d %d %s\n' "$passed" "$failed" "$skipped" "$name" >>"$scratch/counts"
}

first=() beside=() list=first
for program in "$@"; do
  if [ "$program" = -- ]; then
    list=beside
    continue
  fi
  path=$(cd "$started_in" && realpath -- "$program") || exit 2
  if [ "$list" = first ]; then first+=("$path"); else beside+=("$path"); fi
done

: >"$scratch/counts"
if [ "${#beside[@]}" -gt 0 ]; then
  for program in "${beside[@]}"; do run_one "$program" "$scratch/out-beside"; done >"$scratch/said-beside" &
fi
for program in ${first[@]+"${first[@]}"}; do run_one "$program" "$scratch/out"; done
wait
[ ! -f "$scratch/said-beside" ] || cat "$scratch/said-beside"

printf '\n'
awk '
  { passed += $1; failed += $2; skipped += $3 }
  $2 > 0 { sub(/^[0-9]+ [0-9]+ [0-9]+ /, ""); print "failed: " $0 }
  END {
    if (skipped) printf "%d skipped\n", skipped
    printf "%d passed, %d failed\n", passed, failed
    exit failed > 0 || passed == 0
  }' "$scratch/counts"
