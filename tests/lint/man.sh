#!/usr/bin/env bash
# Holds the manual pages: what they repeat is as it is elsewhere (docs/man/write.sh would change nothing), and neither mandoc nor groff has
# anything to say of them.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
export VNC_DAEMON=${VNC_DAEMON:-$PWD/vnc-orchestrator}
pages=(docs/man/*.[58] docs/man/pt_BR/*.[58])

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

# shellcheck source=tests/lint/report.sh
. tests/lint/report.sh

cp -r docs/man "$scratch/man"
written=$(docs/man/write.sh "$scratch/man" 2>&1 && diff -r docs/man "$scratch/man")
report "the pages have today's settings and version (make man writes them: <, >)" "$written"
report "each setting is in both languages' pages" "$(for page in docs/man/*.env.5 docs/man/pt_BR/*.env.5; do
  diff <("$VNC_DAEMON" --help | grep -oE '^  [A-Z][A-Z0-9_]+' | tr -d ' ' | sort) <(sed -n '/begin settings/,/end settings/s/^\.B //p' "$page" | sort) || echo "$page"
done)"
report "mandoc finds nothing wrong" "$(mandoc -T lint -W warning "${pages[@]}" 2>&1)"
report "man has no warning" "$(for page in "${pages[@]}"; do LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null; done)"
report "all know one version, that of configure.ac" "$(version=$(sed -n 's/^AC_INIT(\[vnc-orchestrator\], \[\(.*\)\])$/\1/p' configure.ac)
  [ "$("$VNC_DAEMON" --version)" = "vnc-orchestrator $version" ] || echo "--version: $("$VNC_DAEMON" --version), not $version"
  grep -qxF "  version: $version" docs/openapi.yaml || echo "docs/openapi.yaml: not $version"
  grep -qE "^## $version(,|$)" CHANGELOG.md || echo "CHANGELOG.md: no heading of $version"
  grep -q "^PACKAGE_VERSION='$version'$" configure || echo "configure was not made anew (make bootstrap)")"
echo "1..$number"
