#!/usr/bin/env bash
# Builds the images that stand in for the session image in end-to-end tests, from Debian's static busybox:
#   localhost/vnc-orchestrator-tiny:latest, -tiny-nohealth:latest and -tiny-sick:latest (see the Dockerfile).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

busybox=/bin/busybox
if ! [ -x "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then
  echo "a static $busybox is needed for the test image. Type: sudo apt-get install busybox-static" >&2
  exit 1
fi
context=$(mktemp -d)
trap 'rm -rf "$context" "$context.log"' EXIT
cp Dockerfile run.sh "$busybox" "$context"
for stage in tiny nohealth sick; do
  tag=localhost/vnc-orchestrator-tiny
  [ "$stage" = tiny ] || tag+=-$stage
  # Older engines talk about their builder on stderr: only what goes wrong is worth a line.
  docker build -q --target "$stage" -t "$tag:latest" "$context" >"$context.log" 2>&1 || { cat "$context.log" >&2; exit 1; }
done
