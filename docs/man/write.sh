#!/usr/bin/env bash
# Writes into the manual pages what they repeat: the version, and the list of settings. The English list is what --help says (the table in
# src/codec/settings.cc), the Portuguese one the table in README.pt-BR.md. `make man` calls this; tests/lint/man.sh holds the pages against it.
#   docs/man/write.sh [FOLDER]     FOLDER: of the pages to write, this one by default; VNC_DAEMON: the program to ask
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${1:-$source_dir/docs/man}
daemon=${VNC_DAEMON:-$source_dir/vnc-orchestrator}
version=$(sed -n 's/^AC_INIT(\[vnc-orchestrator\], \[\(.*\)\])$/\1/p' "$source_dir/configure.ac")

# What roff would take for its own.
harmless() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/'/\\\\(aq/g" -e 's/~/\\(ti/g' -e 's/\^/\\(ha/g' -e 's/^\./\\\&./'; }

# "NAME<TAB>line<TAB>line": of --help, whose further lines are "key: text"; of the table, with `code` in bold.
english() {
  "$daemon" --help | awk '
    /^  [A-Z]/ { if (row != "") print row; row = $1; sub(/^  [^ ]+ +/, "") ; row = row "\t" $0; next }
    /^    / && row != "" { sub(/^ +/, ""); row = row "\t" $0 }
    END { print row }'
}
portuguese() {
  awk -F ' *[|] *' -v at_start=" $("$daemon" --help | awk '/^  [A-Z]/ { name = $1 } /^ +read at the start alone/ { printf "%s ", name }')" '/^[|] `[A-Z][A-Z0-9_]+` [|]/ {
    gsub(/`/, "", $2)
    print $2 "\t" $4 "\tpadrão: " ($3 == "" ? "nenhum" : $3) (index(at_start, " " $2 " ") ? "\tlida só na partida" : "")
  }' "$source_dir/README.pt-BR.md" | sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g'
}

# The list as roff: the name in bold, then its lines, those after the first on lines of their own.
# shellcheck disable=SC2016  # backquotes of the pages, not of the shell
list() {
  harmless | sed -E 's/`([^`]*)`/\\fB\1\\fR/g' | awk -F '\t' '{
    print ".TP\n.B " $1
    for (i = 2; i <= NF; i++) print (i > 2 ? ".br\n" : "") $i
  }'
}

# settle PAGE LIST: the page with the version in its title, and with the list between its marks.
settle() {
  local whole
  whole=$(awk -v list="$2" -v version="$version" '
    /^\.TH / { sub(/vnc-orchestrator [0-9][^"]*/, "vnc-orchestrator " version) }
    !skipping { print }
    /^\.\\" begin settings/ { while ((getline line < list) > 0) print line; skipping = 1 }
    /^\.\\" end settings/ { skipping = 0; print }' "$1")
  printf '%s\n' "$whole" >"$1"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
english | list >"$scratch/en"
portuguese | list >"$scratch/pt"
for page in "$folder"/*.[58]; do settle "$page" "$scratch/en"; done
for page in "$folder"/pt_BR/*.[58]; do settle "$page" "$scratch/pt"; done
