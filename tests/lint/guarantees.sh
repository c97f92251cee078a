#!/usr/bin/env bash
# Holds the tables of docs/TESTING.md against the tree: no cell is empty, and every test, rule, defect and make target named there exists.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
page=docs/TESTING.md

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

# The names that may stand in each column: tests that are run (not only written), functions and choices of the model, mutants.
run_in() { grep -hoE '\b(E2E_TEST|cmocka_unit_test[a-z_]*)\([a-z_0-9]+' "$@" | sed 's/.*(//'; }
{
  run_in tests/core/*_test.cc tests/codec/*_test.cc tests/io/*_test.cc
  (cd tests/lint && ls)
} >"$scratch/2"
{
  grep -hoE '\b[a-z_]+\((const )?World&|\b[A-Z][A-Za-z]+,' tests/sim/*.cc tests/sim/world.h | sed 's/[(,].*//'
  grep -hoE '\btable_check\b' src/core/slots.cc
  echo src/core
} | sort -u >"$scratch/3"
run_in tests/e2e/*_test.cc tests/image/*_test.cc tests/soak/*_test.cc tests/faults/*_test.cc >"$scratch/4"
sed -n 's/^name: //p' tests/mutants/list.txt >"$scratch/5"

# The rows of the tables whose second column is that of the rules: "row<TAB>column<TAB>name", and "row<TAB>column<TAB>" of an empty cell.
awk -F ' *\\| *' '
  /^\| .* \| `tests\/core`/ { table = 1; next }
  !/^\|/ { table = 0 }
  /^\|[-|]*$/ || !table { next }
  {
    rows++
    if (NF != 7) print rows "\t" 0 "\twrong number of cells: " $2
    for (column = 2; column <= 6; column++) {
      cell = $column
      gsub(/[ \t]/, "", cell)
      if (cell == "") print rows "\t" column - 1 "\t"
      rest = $column
      while (column > 2 && match(rest, /`[^`]+`/)) {
        print rows "\t" column - 1 "\t" substr(rest, RSTART + 1, RLENGTH - 2)
        rest = substr(rest, RSTART + RLENGTH)
      }
    }
  }
  END { print rows > "/dev/stderr" }' "$page" >"$scratch/cells" 2>"$scratch/rows"

# shellcheck source=tests/lint/report.sh
. tests/lint/report.sh

rows=$(cat "$scratch/rows")
report "$page has a row for each of 13 guarantees and 10 rules" "$([ "$rows" = 23 ] || echo "$rows rows")"
report "no cell is empty" "$(awk -F '\t' '$2 == 0 || $3 == "" { print "row " $1 ", column " $2 ": " $3 }' "$scratch/cells")"
for column in 2 3 4 5; do
  what=$(sed -n "$((column - 1))p" <<'TEXT'
tests of rules and translation are run
rules of the simulator are there
tests on a real engine are run
defects are in the list of mutants
TEXT
  )
  names=$(awk -F '\t' -v column="$column" '$2 == column && $3 != "" { print $3 }' "$scratch/cells" | sort -u)
  report "the $what" "$([ -n "$names" ] || echo "none is named"; grep -vxFf "$scratch/$column" <<<"$names")"
done
# The session image's table: in its second column nothing but tests.
awk -F ' *\\| *' '/^\| the session / { table = 1; next } !/^\|/ { table = 0 } /^\|[-|]*$/ || !table { next } { print $3 }' "$page" |
  grep -oE "\`[^\`]+\`" | tr -d "\`" | sort -u >"$scratch/image"
grep -hoE '\b(IMAGE_TEST|IMAGE_TEST_KEPT|E2E_TEST)\([a-z_0-9]+' tests/image/*_test.cc | sed 's/.*(//' >"$scratch/6"
report "the tests of the session image are run" "$([ -s "$scratch/image" ] || echo "none is named"; grep -vxFf "$scratch/6" "$scratch/image")"
targets=$(grep -oE '`make [a-z-]+' "$page" | sed 's/.* //' | sort -u)
report "the make targets are there" "$(for target in $targets; do grep -qE "^$target:|^(\.PHONY:.* )$target( |$)" Makefile || echo "$target"; done)"
echo "1..$number"
