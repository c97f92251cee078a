#!/usr/bin/env bash
# Runs shellcheck over every shell script of the project.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
command -v shellcheck >/dev/null || { echo "Bail out! shellcheck is needed: sudo init/deps.sh lint" >&2; exit 2; }

number=0
while read -r file; do
  # By name, or by its first line. Two are autoconf's own.
  case "$file" in
    ./configure | ./config.status) continue ;;
    *.sh) ;;
    *) head -c 64 "$file" | head -n 1 | grep -aqE '^#!.*[/ ](ba)?sh( |$)' || continue ;;
  esac
  number=$((number + 1))
  if found=$(shellcheck --format=gcc --external-sources --source-path=SCRIPTDIR "$file"); then
    echo "ok $number - ${file#./}"
  else
    echo "not ok $number - ${file#./}"
    printf '%s\n' "$found" | sed 's/^/# /'
  fi
done < <(find . \( -path ./.git -o -path ./build -o -path ./tests/out -o -path ./logs -o -name node_modules \) -prune -o -type f -size -200k -print | sort)
echo "1..$number"
