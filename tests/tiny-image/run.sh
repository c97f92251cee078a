# What the tiny session container runs. Its page shows what the orchestrator passed in; APPNAME chooses a misbehaviour:
#   never-healthy   nothing ever listens
#   exit-early      says why and ends at once with status 3
#   slow N          listens, and is healthy, after N seconds
#   anything else   at once
# A test makes a healthy one sick with: docker exec NAME /busybox rm /www/healthy
# shellcheck shell=sh
set -eu
case "${APPNAME:-}" in
  never-healthy) exec /busybox sleep 100000 ;;
  exit-early)
    echo "tiny session: ending early, as asked" >&2
    exit 3
    ;;
  "slow "*) /busybox sleep "${APPNAME#slow }" ;;
esac
/busybox mkdir -p /www
echo "<!doctype html><title>tiny session</title><p>APPNAME=${APPNAME:-} WIDTH=${WIDTH:-} HEIGHT=${HEIGHT:-}</p>" >/www/index.html
echo ok >/www/healthy
exec /busybox httpd -f -p 6080 -h /www
