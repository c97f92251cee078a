#!/bin/sh
# Builds the session image; makes its base image from Debian's packages where it cannot be pulled: build.sh [--fresh] [TAG]
# --fresh: with the packages that Debian has today, where the engine would else take those of the last time.
# Besides TAG it is tagged by the orchestrator's version and its own content, so that an older one stays to go back to. What packages it has,
# `docker run --rm TAG --packages` tells: those, and nothing else, may differ between two builds of one content.
set -eu

base=debian:bookworm-slim
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
usage='[--fresh] [TAG] | --version'
fresh=
if [ "${1:-}" = --fresh ]; then
    fresh=--no-cache
    shift
fi
tag=${1:-localhost/vnc-orchestrator-session:latest}
here=$(cd "$(dirname "$0")" && pwd)
tmp=

# Of the tree, or as `make install` has left it.
version_here() {
    if [ -f "$here/../configure.ac" ]; then
        sed -n 's/^AC_INIT(\[vnc-orchestrator\], \[\(.*\)\])$/\1/p' "$here/../configure.ac"
    else
        cat "$here/../VERSION"
    fi
}

# Twelve digits over all files that may be in the image, by name, by what is executable, and by bytes: not by time, owner or folder.
content_here() {
    (cd "$here" && find . -type f ! -name README.md | LC_ALL=C sort | while IFS= read -r file; do
        printf '%s %s %s\n' "$file" "$(test -x "$file" && echo x)" "$(sha256sum <"$file")"
    done) | sha256sum | cut -c 1-12
}

say() { printf 'image: %s\n' "$*"; }
die() { printf 'image: ERROR: %s\n' "$*" >&2; exit 1; }
clean_up() { [ -z "$tmp" ] || rm -rf "$tmp"; }
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

case ${1:-} in
-h | --help) echo "usage: $0 $usage   (default localhost/vnc-orchestrator-session:latest)"; exit 0 ;;
--version) echo "$(version_here)-$(content_here)"; exit 0 ;;
-*) echo "usage: $0 $usage" >&2; exit 2 ;;
esac

# The same small system that Debian publishes under this tag: no caches, no manuals, no translations.
make_base() {
    [ "$(id -u)" = 0 ] || die "$base cannot be pulled, and making it needs root: run this script as root"
    if ! command -v debootstrap >/dev/null 2>&1; then
        say "installing debootstrap"
        apt-get update -qq || say "apt-get update failed, going on with the package lists that are there"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null \
            || die "cannot install debootstrap with apt-get"
    fi
    tmp=$(mktemp -d)
    say "making $base from $mirror with debootstrap (about a minute)"
    debootstrap --variant=minbase bookworm "$tmp/root" "$mirror" >"$tmp/log" 2>&1 \
        || { tail -n 5 "$tmp/log" >&2; die "debootstrap failed, its last lines are above"; }
    cat >"$tmp/root/etc/apt/sources.list" <<EOF
deb $mirror bookworm main
deb $mirror bookworm-updates main
deb ${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security} bookworm-security main
EOF
    cat >"$tmp/root/etc/dpkg/dpkg.cfg.d/slim" <<'EOF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
EOF
    find "$tmp/root/usr/share/doc" -type f ! -name copyright -delete
    find "$tmp/root/usr/share/doc" -type l -delete
    rm -rf "$tmp/root/usr/share/man" "$tmp/root/usr/share/info" "$tmp/root/usr/share/locale" \
        "$tmp/root/var/cache/apt" "$tmp/root/var/log/bootstrap.log"
    find "$tmp/root/var/lib/apt/lists" -type f -delete
    mkdir -p "$tmp/root/usr/share/man/man1" "$tmp/root/var/cache/apt/archives/partial"
    tar -C "$tmp/root" -c . | docker import --change 'CMD ["bash"]' - "$base" >/dev/null || die "docker import failed"
    rm -rf "$tmp"
    tmp=
}

command -v docker >/dev/null 2>&1 || die "there is no docker command: apt-get install docker.io"
docker version >/dev/null 2>&1 || die "the Docker engine does not answer: start it, or run this script as root or as a member of the group docker"

if docker image inspect "$base" >/dev/null 2>&1; then
    say "$base is here"
elif say "pulling $base" && docker pull -q "$base" >/dev/null 2>&1; then
    say "$base pulled"
else
    say "$base cannot be pulled"
    make_base
fi

version=$(version_here) || die "neither $here/../configure.ac nor $here/../VERSION tells the version"
content=$(content_here)
kept=localhost/vnc-orchestrator-session:$version-$content
say "building $tag, which is $kept (a few minutes the first time)"
# shellcheck disable=SC2086  # one word or none
docker build $fresh -t "$tag" -t "$kept" --label "org.opencontainers.image.version=$version" --label "org.opencontainers.image.revision=$content" "$here" \
    || die "docker build failed, see above"
size=$(docker image inspect -f '{{.Size}}' "$tag") || die "$tag is not there after the build"
say "$tag is ready, $((size / 1000000)) MB"
