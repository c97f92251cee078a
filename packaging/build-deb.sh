#!/usr/bin/env bash
# Builds the Debian package of this tree: build-deb.sh OUT_FOLDER VERSION. "make deb" calls it.
# The changelog is made here, since the version stands in configure.ac alone; what changed is told in CHANGELOG.md.
set -euo pipefail
[ "$#" -eq 2 ] || { echo "usage: $0 OUT_FOLDER VERSION" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd) version=$2
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for command in dpkg-buildpackage dh; do
  command -v "$command" >/dev/null || { echo "$command is missing: apt-get install debhelper dpkg-dev" >&2; exit 1; }
done

# A copy of what is built, so that the tree stays as it is.
tree=$out/vnc-orchestrator-$version
rm -rf "$tree"
mkdir -p "$tree/debian/source"
cp -a Makefile configure configure.ac config.mak.in .env.example ./*.md LICENSE docs image include init src "$tree"
cp -a packaging/debian/. "$tree/debian"
# The same tree gives the same package.
date=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
cat >"$tree/debian/changelog" <<TEXT
vnc-orchestrator ($version) unstable; urgency=medium

  * See CHANGELOG.md, in /usr/share/doc/vnc-orchestrator/changelog.gz.

 -- $(sed -n 's/^Maintainer: //p' packaging/debian/control)  $(LC_ALL=C date -u -R -d "@$date")
TEXT
(cd "$tree" && dpkg-buildpackage --build=binary --no-sign)
rm -rf "$tree"
echo "built: $(ls "$out"/vnc-orchestrator_"$version"_*.deb)"
