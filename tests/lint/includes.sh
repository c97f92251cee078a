#!/usr/bin/env bash
# Holds every #include in src/ and include/ against the rules of the house: includes point one way, and the core knows nobody.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

# Room, and which of our own headers its files may include (an extended regular expression).
ours=(
  'core    core/.*'
  'codec   (codec/.*|core/(types|names|foresight|tally)\.h)'
  'io      (io/.*|codec/(container|docker_json|firewall|lines|log_level|origin|proc_memory|proc_net|text)\.h)'
  'daemon  (daemon|core|codec|io)/.*'
)
main_may='((daemon|codec)/.*|io/host\.h)'  # host: it reads .env

# Libraries and system headers that have no business in a room, headers and sources alike.
# arpa/inet.h only translates: inet_pton. In headers of codec jansson is forbidden too: its types stay behind the door.
io_headers='event2/.*|event\.h|curl/.*|sys/.*|unistd\.h|fcntl\.h|poll\.h|signal\.h|netdb\.h|netinet/.*|fstream|iostream|ostream|filesystem'
thread_headers='thread|mutex|shared_mutex|condition_variable|future|atomic|semaphore|latch|barrier|stop_token|pthread\.h'
clock_headers='chrono|random'
never=(
  "core    ($io_headers|arpa/.*|$thread_headers|$clock_headers|ctime|time\.h|cstdio|stdio\.h|jansson\.h)"
  "codec   ($io_headers|$thread_headers|$clock_headers)"
)

# shellcheck source=tests/lint/report.sh
. tests/lint/report.sh

# includes_of QUOTE FILE...: "file:line:header" for each #include "header" or <header>.
includes_of() {
  local pattern
  case "$1" in
    quoted) pattern='"\([^"]*\)"' ;;
    angled) pattern='<\([^>]*\)>' ;;
  esac
  shift
  [ "$#" -gt 0 ] || return 0
  grep -Hn '^[[:space:]]*#[[:space:]]*include' "$@" | sed -n "s|^\([^:]*:[0-9]*\):.*#[[:space:]]*include[[:space:]]*$pattern.*|\1:\2|p"
}

files_of() { find "src/$1" "include/$1" -name '*.cc' -o -name '*.h' 2>/dev/null; }

for rule in "${ours[@]}"; do
  read -r room allowed <<<"$rule"
  mapfile -t files < <(files_of "$room")
  report "$room includes only what it may" "$(includes_of quoted "${files[@]}" | grep -vE ":[0-9]+:$allowed\$")"
done
report "main includes only daemon and codec" "$(includes_of quoted src/*.cc 2>/dev/null | grep -vE ":[0-9]+:$main_may\$")"

for rule in "${never[@]}"; do
  read -r room forbidden <<<"$rule"
  mapfile -t files < <(files_of "$room")
  report "$room includes no system header that does, waits or reads a clock" \
    "$(includes_of angled "${files[@]}" | grep -E ":[0-9]+:$forbidden\$")"
done
report "no header of codec shows jansson" "$(includes_of angled include/codec/*.h | grep -E ':jansson\.h$')"
mapfile -t files < <(find src include -name '*.cc' -o -name '*.h')
report "evhttp stays behind io/httpd" \
  "$(includes_of angled "${files[@]}" | grep -E ':event2/(http|ws).*\.h$' | grep -v '^src/io/httpd')"

# A header of ours is found under the same path as its source, and is guarded.
report "every header has a guard named after its path" "$(
  find include -name '*.h' | while read -r header; do
    guard=$(printf '%s' "${header#include/}" | tr 'a-z/.' 'A-Z__')
    grep -q "^#ifndef $guard\$" "$header" && grep -q "^#define $guard\$" "$header" || echo "$header: no #ifndef $guard"
  done
)"
report "every file opens with a sentence about what lives there" "$(
  find src include tests \( -name '*.cc' -o -name '*.h' \) | while read -r file; do
    head -n 1 "$file" | grep -qE '^(//|/\*) ?[^ ]' || echo "$file"
  done
)"
echo "1..$number"
