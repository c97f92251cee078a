#!/usr/bin/env bash
# Holds each Portuguese page together with its English one: the same headings (by their levels) and tables, and in each section the same settings,
# routes, options and answers, in any order. Whoever adds a setting to one is told of the other.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
daemon=${VNC_DAEMON:-$PWD/vnc-orchestrator}
pairs=(README.md:README.pt-BR.md docs/OPERATIONS.md:docs/OPERATIONS.pt-BR.md)
for page in docs/man/*.[58]; do pairs+=("$page:docs/man/pt_BR/${page##*/}"); done

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && env -i PATH="$PATH" "$daemon" --check-config 2>/dev/null) | sed 's/=.*//' >"$scratch/settings"

# The page as sections: "N #" for each heading, and below it what it names, sorted. Of man pages the headings are .SH; their list of settings
# is made by a program (tests/lint/man.sh).
outline() {
  sed -e '/^\.\\" begin settings/,/^\.\\" end settings/d' -e 's/\\-/-/g' -e 's/^\.SH .*/## &/' -e 's/^\.TP$/- /' "$1" | awk -v settings="$scratch/settings" '
    BEGIN { while ((getline name < settings) > 0) known[name] = 1 }
    function flush(  i, n, names) {
      n = 0
      for (i in seen) names[++n] = i
      for (i = 1; i <= n; i++) print section "\t" names[i]
      delete seen
    }
    /^#+ / { flush(); section = sprintf("%02d %s", ++number, $1); print section "\t"; next }
    /^\| *[^-| ]/ { rows[section]++; seen["row " rows[section]] = 1 }
    /^(-|[0-9]+\.) / { items[section]++; seen["item " items[section]] = 1 }
    {
      line = $0
      while (match(line, /\/(access|status|remove|remove-all|health|ready|metrics|drain|undrain)([^a-z-]|$)|--[a-z][a-z-]+|[A-Z][A-Z0-9]*_[A-Z0-9_]+|[^0-9][1-5]0[0-9][^0-9]/)) {
        word = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH - 1)
        if (word ~ /^\//) sub(/[^a-z-]$/, "", word)
        if (word ~ /[1-5]0[0-9]/) word = substr(word, 2, 3)
        if (word ~ /^[A-Z]/ && !(word in known)) continue
        seen[word] = 1
      }
    }
    END { flush() }' | sort
}

# shellcheck source=tests/lint/report.sh
. tests/lint/report.sh
for pair in "${pairs[@]}"; do
  outline "${pair%:*}" >"$scratch/english"
  outline "${pair#*:}" >"$scratch/portuguese" 2>"$scratch/trouble"
  report "${pair#*:} has what ${pair%:*} has (<: English alone, >: Portuguese alone; number of section)" \
    "$(cat "$scratch/trouble"; [ -s "$scratch/english" ] || echo "nothing found"; diff "$scratch/english" "$scratch/portuguese" | grep '^[<>]' | head -n 20)"
done
# name<TAB>default of the tables of settings
defaults() { awk -F ' *[|] *' '/^[|] `[A-Z][A-Z0-9_]+` [|]/ { print $2 "\t" $3 }' "$1"; }
report "README.pt-BR.md shows the defaults of README.md" "$(diff <(defaults README.md) <(defaults README.pt-BR.md))"
echo "1..$number"
