#!/usr/bin/env bash
# Makes sure that a Docker engine answers, and starts the local one if none does: by systemd, else by its init script,
# else by running dockerd itself. As root. Says how it was started; an engine that answers already is left as it is.
# DOCKER_HOST counts, as for the docker command: an engine on another machine is only looked for, never started.
set -u

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# wait_for_engine SECONDS [PID]: no longer than SECONDS, nor than process PID lives.
wait_for_engine() {
  local deadline=$((SECONDS + $1))
  until answers; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    [ -z "${2:-}" ] || kill -0 "$2" 2>/dev/null || return 1
    sleep 0.5
  done
}

answers && exit 0

case "${DOCKER_HOST:-}" in
  "" | unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
  *)
    echo "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST: start it there" >&2
    exit 1
    ;;
esac
if [ "$(id -u)" -ne 0 ]; then
  if [ -S /var/run/docker.sock ] && ! [ -w /var/run/docker.sock ]; then
    echo "the Docker engine cannot be asked by user $(id -un). Type: sudo $0, or join the group docker" >&2
  else
    echo "no Docker engine answers, and starting it needs root. Type: sudo $0" >&2
  fi
  exit 1
fi

if [ -d /run/systemd/system ] && systemctl start docker && wait_for_engine 60; then
  echo "Docker engine started by systemd"
  exit 0
fi
# Some containers and small machines refuse what the init script asks for (limits, cgroups); dockerd itself asks for less.
if ! [ -d /run/systemd/system ] && [ -x /etc/init.d/docker ] && /etc/init.d/docker start >/dev/null 2>&1 && wait_for_engine 30; then
  echo "Docker engine started by its init script"
  exit 0
fi
if ! command -v dockerd >/dev/null; then
  echo "dockerd is not installed. Type: sudo apt-get install docker.io iptables" >&2
  exit 1
fi
log=/var/log/dockerd.log
setsid dockerd </dev/null >>"$log" 2>&1 &
if wait_for_engine 60 $!; then
  echo "Docker engine started (dockerd, log in $log)"
  exit 0
fi
echo "the Docker engine does not start. The last lines of $log:" >&2
tail -n 10 "$log" >&2
exit 1
