#!/usr/bin/env bash
# Holds the settings that the daemon knows (--help, --check-config) against .env.example and the table in README.md:
# the same names everywhere, and in .env.example the same defaults.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
daemon=${VNC_DAEMON:-$PWD/vnc-orchestrator}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

# A clean room: no .env, no settings in the environment.
effective() { (cd "$1" && env -i PATH="$PATH" "$daemon" --check-config 2>"$scratch/stderr") | sort; }

mkdir "$scratch/empty" "$scratch/example"
effective "$scratch/empty" >"$scratch/defaults"
sed 's/=.*//' "$scratch/defaults" | sort -u >"$scratch/known"
"$daemon" --help | grep -oE '^  [A-Z][A-Z0-9_]+' | tr -d ' ' | sort -u >"$scratch/help"
# Both "NAME=default" and "#NAME=default" present a setting.
grep -oE '^#? ?[A-Z][A-Z0-9_]+=' .env.example | tr -d '#= ' | sort -u >"$scratch/example-names"
sed 's/`//g' README.md | grep -oE '^\| *[A-Z][A-Z0-9_]+ *\|' | tr -d '| ' | sort -u >"$scratch/readme"
sed -E 's/^# ?([A-Z][A-Z0-9_]+=)/\1/' .env.example >"$scratch/example/.env"
effective "$scratch/example" >"$scratch/example-values"

number=0
# same NAME FILE FILE
same() {
  number=$((number + 1))
  local found
  if ! [ -s "$2" ]; then
    found="nothing in $2"
  elif found=$(diff "$2" "$3"); then
    echo "ok $number - $1"
    return
  fi
  echo "not ok $number - $1"
  printf '%s\n' "$found" | sed 's/^/# /'
}
same "--help lists every setting (< --check-config, > --help)" "$scratch/known" "$scratch/help"
same ".env.example has every setting (< --check-config, > .env.example)" "$scratch/known" "$scratch/example-names"
same "README.md has every setting (< --check-config, > README.md)" "$scratch/known" "$scratch/readme"
same ".env.example shows the defaults (< default, > .env.example)" "$scratch/defaults" "$scratch/example-values"
"$daemon" --help | awk '/^  [A-Z]/ { name = $1 } /read at the start alone/ { print name }' | sort >"$scratch/start"
# shellcheck disable=SC2016  # backquotes of the page
grep '^Read at the start alone: ' README.md | grep -oE '`[A-Z_]+`' | tr -d '`' | sort >"$scratch/readme-start"
same "README.md names what is read at the start alone (< --help, > README.md)" "$scratch/start" "$scratch/readme-start"
echo "1..$number"
