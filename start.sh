#!/usr/bin/env bash
# Starts the orchestrator in the background on this machine, and everything that it needs first.
#   ./start.sh [start]    install what is missing, start the Docker engine, build, start; shows each step
#   ./start.sh stop       stop the orchestrator; sessions run on, and the next start finds them again
#   ./start.sh restart    stop, then start
#   ./start.sh status     whether it runs (exit status 0 running, 1 dead with its pid file left, 3 not running, 4 silent)
# Settings: .env beside this file, and the environment (see .env.example).
set -u
cd "$(dirname "$(readlink -f -- "${BASH_SOURCE[0]}")")" || exit 1

readonly here=$PWD
readonly daemon=$here/vnc-orchestrator
readonly pid_file=orchestrator.pid
readonly own_image=localhost/vnc-orchestrator-session:latest
readonly stop_seconds=20  # the daemon promises 10

# ---- saying what happens ---------------------------------------------------------------------------------------------
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
step_started=

begin() {
  step_started=$EPOCHREALTIME
  printf '%-50s' "$1"
}
# done_with [NOTE]: the step's seconds, and a note.
done_with() {
  local tenths=$(((${EPOCHREALTIME/[.,]/} - ${step_started/[.,]/}) / 100000))
  printf '%4d.%d s%s\n' $((tenths / 10)) $((tenths % 10)) "${1:+  $1}"
}
fail() {
  printf 'failed\n\n'
  printf '%s\n' "$@" >&2
  exit 1
}
# step NAME COMMAND...: its output is shown only when it fails.
step() {
  begin "$1"
  shift
  if "$@" </dev/null >"$output" 2>&1 9<&-; then
    done_with
  else
    fail "$(tail -n 25 "$output")"
  fi
}

# ---- the process -----------------------------------------------------------------------------------------------------
# Is process $1 our daemon? A number is not enough: it may belong to another program by now, or to another copy of ours.
is_ours() {
  local program words
  [ -d "/proc/$1" ] || return 1
  if program=$(readlink "/proc/$1/exe"); then
    # A build since its start has replaced the file.
    [ "${program% (deleted)}" = "$daemon" ]
  else
    # Somebody else's process: its program is hidden from us, its command line is not.
    mapfile -d '' -t words <"/proc/$1/cmdline" && [ "${words[0]-}" = "$daemon" ]
  fi 2>/dev/null
}

# What orchestrator.pid says: sets pid, and state to running, stale or none.
look() {
  local first=
  pid='' state=none
  [ -e "$pid_file" ] || return 0
  state=stale
  read -r first <"$pid_file" || true
  [[ $first =~ ^[1-9][0-9]*$ ]] || return 0
  pid=$first
  ! is_ours "$pid" || state=running
}

forget_stale() {
  if [ -n "$pid" ] && [ -d "/proc/$pid" ]; then
    echo "$pid_file was stale: process $pid is another program ($(cat "/proc/$pid/comm" 2>/dev/null)), left alone"
  else
    echo "$pid_file was stale: no such process${pid:+ as $pid}"
  fi
  rm -f "$pid_file"
}

# ---- settings and routes ---------------------------------------------------------------------------------------------
declare -A setting=()

# Asks the daemon, so that .env is read in one way only. Its complaints go to stderr.
read_settings() {
  local line
  "$daemon" --check-config >"$output" || return
  while IFS= read -r line; do
    [[ $line != *=* ]] || setting[${line%%=*}]=${line#*=}
  done <"$output"
}

# The one setting that the daemon shows nobody: from where it reads it, too, and its characters need no quoting.
admin_token() {
  local line="[[:space:]]*(export[[:space:]]+)?ADMIN_TOKEN[[:space:]]*=[[:space:]]*['\"]?([A-Za-z0-9._~+/=-]+).*"
  if [ -n "${ADMIN_TOKEN:-}" ]; then printf '%s' "$ADMIN_TOKEN"; else sed -nE "s/^$line/\2/p" .env 2>/dev/null | tail -n 1; fi
}

# route PATH: what the daemon answers, over the address that administrators ask.
route() {
  local admin=${setting[ADMIN_LISTEN]:-} where=()
  case "$admin" in
    '') where=("$(main_entrance)$1") ;;
    unix:*) where=(--unix-socket "${admin#unix:}" "http://localhost$1") ;;
    *) where=("http://$admin$1") ;;
  esac
  # By a file of its own, since everybody may read what processes are called with.
  curl --silent --fail --noproxy '*' --max-time 5 --header @<(printf 'Authorization: Bearer %s\n' "$(admin_token)") "${where[@]}"
}

# The address that everybody asks.
main_entrance() {
  local host=${setting[ORCHESTRATOR_HOST]:-0.0.0.0}
  case "$host" in
    0.0.0.0) host=127.0.0.1 ;;
    ::) host='[::1]' ;;
    *:*) host="[$host]" ;;
  esac
  echo "http://$host:${setting[ORCHESTRATOR_PORT]:-8080}"
}
is_well() { curl --silent --fail --noproxy '*' --max-time 5 "$(main_entrance)/health" >/dev/null; }

# number NAME JSON: the whole number that JSON gives for NAME.
number() { sed -n "s/.*\"$1\": *\([0-9][0-9]*\).*/\1/p" <<<"$2" | head -n 1; }

# Clients' containers: what JSON counts as active, the pool taken off.
sessions() {
  local active pool
  active=$(number active_containers "$1") pool=$(number pool_containers "$1")
  [ -z "$active" ] || echo $((active - ${pool:-0}))
}

todays_log() { echo "${setting[LOG_DIR]:-logs}/app.log.$(date +%Y-%m-%d)"; }

# What the log got since log_size bytes, when the start began.
new_log_lines() { tail -c +"$((log_size + 1))" "$(todays_log)" 2>/dev/null; }

# ---- start -----------------------------------------------------------------------------------------------------------
have_image() { docker image inspect "$own_image" >/dev/null 2>&1; }

failed_start() {
  local status=0 reason
  if is_ours "$pid"; then
    reason="the daemon did not answer on port ${setting[ORCHESTRATOR_PORT]} and was stopped again"
    kill "$pid"
  fi
  wait "$pid" || status=$?
  rm -f "$pid_file"
  printf 'failed\n\n'
  echo "Not started: ${reason:-the daemon ended with status $status}. The last lines of $(todays_log):" >&2
  new_log_lines | tail -n 15 >&2
  exit 1
}

wait_for_health() {
  local deadline=$((SECONDS + setting[READY_TIMEOUT_SECONDS]))
  until is_well; do
    if ! is_ours "$pid" || [ "$SECONDS" -ge "$deadline" ]; then failed_start; fi
    sleep 0.2
  done
}

# Until then /status tells of the pool that an earlier daemon left, which may have gone or be of other settings. A quiet log does not say when.
is_compared() {
  case ${setting[LOG_LEVEL]} in
    WARNING | ERROR) true ;;
    *) new_log_lines | grep -q 'after reconciliation$' ;;
  esac
}

# Until enough containers are ready, no port is left for more, or the daemon has said why it cannot make them.
wait_for_pool() {
  local deadline=$((SECONDS + setting[READY_TIMEOUT_SECONDS])) want=${setting[WARM_POOL_SIZE]} status pool=0 active problem
  while true; do
    is_ours "$pid" || failed_start
    if is_compared && status=$(route /status); then
      pool=$(number pool_containers "$status")
      active=$(number active_containers "$status")
      [ "${pool:-0}" -lt "$want" ] || { done_with "$pool ready"; return; }
      if [ "${active:-0}" -ge "$(number max_slots "$status")" ]; then
        done_with "$pool of $want: clients have the other ports"
        return
      fi
    fi
    # What keeps it from launching: containers that fail, an engine that is away, a state that cannot be written.
    problem=$(new_log_lines | grep -E ' ERROR \[(POOL|HEALTH CHECK|STATE)\]' | tail -n 1)
    if [ -n "$problem" ]; then
      done_with "$pool of $want"
      printf '  The pool cannot be filled yet; the daemon goes on trying:\n  %s\n' "$problem"
      return
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      done_with "$pool of $want after READY_TIMEOUT_SECONDS"
      return
    fi
    sleep 0.5
  done
}

start() {
  # Two at once: the second waits, then finds it running. The lock is on the folder, so no file is left.
  exec 9<.
  flock -n 9 || { echo "another start.sh is at work here; waiting for it"; flock 9; }

  look
  case "$state" in
    running)
      echo "already running (pid $pid)"
      return 0
      ;;
    stale) forget_stale ;;
    none) ;;
  esac

  step "Debian packages" init/deps.sh run
  step "Building the daemon" make --no-print-directory -j"$(nproc)"
  read_settings || exit
  [ -z "${setting[DOCKER_HOST]:-}" ] || export DOCKER_HOST=${setting[DOCKER_HOST]}
  step "Docker engine" init/engine.sh
  if [ "${setting[VNC_IMAGE]}" = "$own_image" ] && ! have_image; then
    step "Session image (some minutes, this once)" image/build.sh
  fi

  begin "Starting the daemon"
  if [ "${setting[LOG_DIR]}" = - ]; then
    fail "LOG_DIR=- leaves the log to whoever keeps stderr, as systemd and docker do: with start.sh it needs a folder"
  fi
  if ! mkdir -p -- "${setting[LOG_DIR]}" || ! [ -w "${setting[LOG_DIR]}" ]; then
    fail "LOG_DIR=${setting[LOG_DIR]}: nothing can be written there"
  fi
  log_size=$(stat -c %s "$(todays_log)" 2>/dev/null || echo 0)
  # In a session of its own, so that it outlives the terminal. It writes its log itself; stderr would only repeat it.
  setsid "$daemon" </dev/null >/dev/null 2>&1 9<&- &
  pid=$!
  echo "$pid" >"$pid_file" || fail "$pid_file cannot be written"
  # Until it has become the daemon, the new process is this shell.
  until is_ours "$pid" || ! [ -d "/proc/$pid" ]; do sleep 0.02; done
  wait_for_health
  done_with "pid $pid"

  if [ "${setting[WARM_POOL_SIZE]}" != auto ] && [ "${setting[WARM_POOL_SIZE]}" -gt 0 ]; then
    begin "Filling the pool (WARM_POOL_SIZE=${setting[WARM_POOL_SIZE]})"
    wait_for_pool
  fi
  cat <<TEXT

Open:        http://${setting[VNC_HOST]}:${setting[ORCHESTRATOR_PORT]}/access?id=11122233344
Follow it:   tail -f $(todays_log)
Stop:        ./start.sh stop
TEXT
}

# ---- stop and status -------------------------------------------------------------------------------------------------
stop() {
  look
  case "$state" in
    none)
      echo "not running"
      return 0
      ;;
    stale)
      forget_stale
      return 0
      ;;
    running) ;;
  esac
  local left='' deadline=$((SECONDS + stop_seconds))
  read_settings 2>/dev/null && left=$(sessions "$(route /status)")
  begin "Stopping the daemon (pid $pid)"
  kill "$pid" 2>/dev/null || fail "it belongs to $(stat -c %U "/proc/$pid"). Type: sudo ./start.sh stop"
  while is_ours "$pid"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      fail "still running after $stop_seconds s; its log may say why. To end it all the same: kill -9 $pid"
    fi
    sleep 0.1
  done
  rm -f "$pid_file"
  done_with "${left:+$left sessions run on}"
}

status() {
  local answer
  look
  case "$state" in
    none)
      echo "not running"
      return 3
      ;;
    stale)
      echo "not running, but $pid_file is there${pid:+ (process $pid)}"
      return 1
      ;;
    running) ;;
  esac
  if read_settings 2>/dev/null && answer=$(route /status); then
    echo "running (pid $pid), port ${setting[ORCHESTRATOR_PORT]}: $(sessions "$answer") sessions," \
      "$(number pool_containers "$answer") in the pool, $(number max_slots "$answer") ports"
  elif is_well; then
    echo "running (pid $pid), port ${setting[ORCHESTRATOR_PORT]:-8080}; who has what it tells only with ADMIN_TOKEN, or where ADMIN_LISTEN says"
  else
    echo "running (pid $pid), but it does not answer on port ${setting[ORCHESTRATOR_PORT]:-8080}"
    return 4
  fi
}

case "${1:-start}" in
  start) start ;;
  stop) stop ;;
  restart)
    # Bad settings must not take down what runs.
    if [ -x "$daemon" ]; then read_settings || exit; fi
    stop && start
    ;;
  status) status ;;
  *)
    echo "usage: ./start.sh [start|stop|restart|status]" >&2
    exit 2
    ;;
esac
