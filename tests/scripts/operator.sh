# What the script tests share: TAP lines, a copy of the tree in a temporary folder, ports and a network of their own.
# Sourced by *_test.sh. Containers, network, processes and files are gone when the test ends, however it ends.
# shellcheck shell=bash
set -u
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$source_dir" || exit 2
scratch=$(mktemp -d /tmp/vnc-scripts.XXXXXX) || exit 2

# Ten ports, a network and a subnet that no other run on this machine has meanwhile: the lock lasts as long as we do.
port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for block in {0..49} none; do
  [ "$block" != none ] || { echo "Bail out! no free ports from 24100 on"; exit 2; }
  first_port=$((24100 + block * 10))
  exec 8>"/tmp/vnc-scripts-$block.lock"
  flock -n 8 && ! port_is_taken "$first_port" && ! port_is_taken $((first_port + 1)) && break
done
network=vnc_scripts_$block
# shellcheck disable=SC2034 # for the tests: a client whose container's name is nobody else's
client=scripts-$block

# ---- TAP -------------------------------------------------------------------------------------------------------------
number=0
ok() {
  number=$((number + 1))
  echo "ok $number - $1"
}
not_ok() {
  number=$((number + 1))
  echo "not ok $number - $1"
  [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/# /'
}
skip() {
  number=$((number + 1))
  echo "ok $number - $1 # SKIP $2"
}
# check NAME COMMAND...: passes when the command succeeds; else shows what the last `run` said.
check() {
  local name=$1
  shift
  if "$@"; then ok "$name"; else not_ok "$name" "false: $*
status ${status:-}, output:
${output:-}"; fi
}
finish() { echo "1..$number"; }

# run COMMAND...: keeps its exit status and everything it prints in `status` and `output`.
run() {
  status=0
  output=$("$@" </dev/null 2>&1) || status=$?
}
# Of the last `run`.
says() { grep -qE -- "$1" <<<"$output"; }
ended() { [ "$status" -eq "$1" ]; }
failed() { [ "$status" -ne 0 ]; }
not() { ! "$@"; }

# eventually COMMAND...: looks again until it holds, for ten seconds at most.
eventually() {
  local deadline=$((SECONDS + 10))
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# ---- a place to work in ----------------------------------------------------------------------------------------------
# copy_tree FOLDER: the files of the project as a clone would have them, with changes that are not yet committed.
copy_tree() {
  mkdir -p "$1"
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard
  else
    # No clone but an unpacked archive: all but what .gitignore names.
    find . \( -name .git -o -path ./build -o -path ./logs -o -path ./tests/out \) -prune -o \( -type f -o -type l \) \
      ! -path './config.[mls]*' ! -path './state.json*' ! -path ./vnc-orchestrator ! -path ./orchestrator.pid ! -path ./.env -print0
  fi | while IFS= read -r -d '' file; do
    [ ! -e "$file" ] || printf '%s\0' "$file"
  done | tar -c --null --files-from=- | tar -x -C "$1"
}
# copy_build FOLDER: the daemon as it is already built, so that make there finds nothing to do.
copy_build() {
  local built=${VNC_BUILD:-$source_dir}
  mkdir -p "$1/build"
  cp -a "$built/build/release" "$1/build/"
  # Out of the tree the paths in config.mak and in the dependencies are others: then it is compiled anew.
  if [ "$built" = "$source_dir" ]; then cp -a "$built/config.mak" "$built/config.status" "$1/"; else rm -rf "$1/build"; fi
}

# write_settings FILE [NAME=value...]: a tiny session image, our own ports and network.
write_settings() {
  local file=$1
  shift
  cat >"$file" <<TEXT
ORCHESTRATOR_HOST=127.0.0.1
ORCHESTRATOR_PORT=$first_port
PORT_RANGE_MIN=$((first_port + 1))
PORT_RANGE_MAX=$((first_port + 4))
VNC_BIND=127.0.0.1
VNC_IMAGE=localhost/vnc-orchestrator-tiny:latest
DOCKER_NETWORK_NAME=$network
DOCKER_NETWORK_SUBNET=10.97.$block.0/24
WARM_POOL_SIZE=1
FIREWALL=off
TEXT
  [ "$#" -eq 0 ] || printf '%s\n' "$@" >>"$file"
}

route() { curl -s --noproxy '*' --max-time 60 "http://127.0.0.1:$first_port$1"; }
field() { sed -n "s/.*\"$1\": *\([0-9][0-9]*\).*/\1/p" <<<"$(route /status)" | head -n 1; }
# The containers that this suite's daemon made; nobody else uses its network.
containers() { docker ps -aq --no-trunc --filter "network=$network"; }

# A process of ours and nobody else's: the daemon of one of our folders.
is_daemon() { [[ $(readlink "/proc/$1/exe" 2>/dev/null) == "$scratch"/* ]]; }

clean_up() {
  local process ids
  for process in /proc/[0-9]*; do
    process=${process#/proc/}
    if is_daemon "$process"; then kill -9 "$process"; fi
  done
  ids=$(containers 2>/dev/null)
  # shellcheck disable=SC2086
  [ -z "$ids" ] || docker rm -f -v $ids >/dev/null
  docker network rm "$network" >/dev/null 2>&1
  (cd / && DOCKER_NETWORK_NAME=$network "$source_dir/vnc-orchestrator" --firewall-remove >/dev/null 2>&1)
  rm -rf "$scratch" "/tmp/vnc-scripts-$block.lock"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
