#!/usr/bin/env bash
# Installs the Debian packages that building and running need; with "test" those that make check needs, too, with "lint" those that
# only make lint needs, and with "fuzz" those that only make fuzz needs.
#   init/deps.sh [run|test|lint|fuzz]            install what is missing (as root)
#   init/deps.sh [run|test|lint|fuzz] --missing  only name what is missing, one package a line
# Nothing missing: says nothing, status 0. Not root and something missing: names it and the command to type, status 1.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# An engine may have come from elsewhere than Debian, or be on another machine: what counts is that it can be talked to.
engine_missing() {
  case "${DOCKER_HOST:-}" in
    "" | unix:*) ;;
    *)
      ! have docker
      return
      ;;
  esac
  have docker && docker version >/dev/null 2>&1 && return 1
  ! { have docker && have dockerd; }
}
# Where the kernel has AppArmor on, the engine starts no container without its parser.
apparmor_missing() {
  [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] && ! have apparmor_parser && ! [ -x /sbin/apparmor_parser ]
}

missing_packages() {
  local package
  if engine_missing; then
    echo docker.io
    # Debian 13 and later keep the command in a package of its own.
    ! apt-cache show docker-cli >/dev/null 2>&1 || echo docker-cli
  fi
  ! apparmor_missing || echo apparmor
  # debootstrap makes the base image where it cannot be pulled; curl asks the daemon for its health.
  local packages=(iptables g++ make pkg-config libevent-dev libjansson-dev libcurl4-openssl-dev
    libssl-dev curl ca-certificates debootstrap)
  if [ "$1" != run ]; then
    packages+=(libcmocka-dev libpng-dev libxcb1-dev busybox-static chromium chromium-driver fonts-dejavu-core procps iproute2 git)
    # The desk of a session's user: a screen with a keyboard of any layout, and the other browser.
    packages+=(tigervnc-standalone-server x11-xkb-utils xkb-data xclip firefox-esr)
    # What stands in an operator's network: a proxy, a name server, a web server's TLS.
    packages+=(tinyproxy dnsmasq-base stunnel4)
    # What docs/openapi.yaml and the manual pages are held with.
    packages+=(python3-yaml python3-jsonschema man-db mandoc)
    # What make deb builds with, and what its package and docker-compose.yml are tried with.
    packages+=(debhelper lintian docker-compose)
    # What make bench measures with, and beside.
    packages+=(nginx wrk strace gnuplot-nox)
    # What reads /metrics, and the tool that holds the alert rules.
    packages+=(prometheus)
  fi
  if [ "$1" = lint ]; then
    packages+=(autoconf shellcheck clang-format)
    # Debian 12's plain one, 14, does not know std::source_location.
    if apt-cache show clang-tidy-16 >/dev/null 2>&1; then packages+=(clang-tidy-16); else packages+=(clang-tidy); fi
  fi
  [ "$1" != fuzz ] || packages+=(clang libclang-rt-dev)  # libFuzzer
  for package in "${packages[@]}"; do
    installed "$package" || echo "$package"
  done
}

want=run only_name=
for argument in "$@"; do
  case "$argument" in
    run | test | lint | fuzz) want=$argument ;;
    --missing) only_name=yes ;;
    *)
      echo "usage: ${0##*/} [run|test|lint|fuzz] [--missing]" >&2
      exit 2
      ;;
  esac
done

if ! have dpkg-query || ! have apt-get; then
  echo "this script knows Debian's packages only; see init/deps.sh for what is needed" >&2
  exit 1
fi
mapfile -t missing < <(missing_packages "$want")
if [ -n "$only_name" ]; then
  [ "${#missing[@]}" -eq 0 ] || printf '%s\n' "${missing[@]}"
  exit 0
fi
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  cat >&2 <<TEXT
missing: ${missing[*]}
Type: sudo apt-get install --no-install-recommends ${missing[*]}
or run this command as root, and it installs them itself.
TEXT
  exit 1
fi

# Of what the tests need, nothing serves anybody here: not from its installation on, and not from the next boot on.
# (The engine is started by init/engine.sh.)
readonly policy=/usr/sbin/policy-rc.d
own_policy=
start_nothing() {
  if [ "$want" = run ] || [ -e "$policy" ]; then return; fi
  own_policy=yes
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
}
forget_at_boot() {
  local package
  for package in "${missing[@]}"; do
    case "$package" in
      nginx | tinyproxy | stunnel4 | prometheus) update-rc.d "$package" disable >>"$log" 2>&1 || true ;;
    esac
  done
}

log=$(mktemp)
trap 'rm -f "$log"; [ -z "$own_policy" ] || rm -f "$policy"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1; }
# A fresh machine knows no packages yet, so the list is made again after this. A mirror that fails now may have
# answered earlier: then what is known is enough.
apt update || true
mapfile -t missing < <(missing_packages "$want")
start_nothing
if ! apt install -y --no-install-recommends "${missing[@]}"; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
forget_at_boot
echo "installed: ${missing[*]}"
