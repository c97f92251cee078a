#!/usr/bin/env bash
# start.sh as an operator uses it: start, status, restart, stop, and everything that a pid file can be wrong about.
# shellcheck source-path=SCRIPTDIR source=operator.sh
. "$(dirname "${BASH_SOURCE[0]}")/operator.sh"

home=$scratch/home
copy_tree "$home"
copy_build "$home"
write_settings "$home/.env"
cd / # everything below is typed from another folder than its own

start_sh() { "$home/start.sh" "$@"; }
pid_now() { cat "$home/orchestrator.pid"; }
daemons() { for process in /proc/[0-9]*; do if is_daemon "${process#/proc/}"; then echo "${process#/proc/}"; fi; done; }
runs_one() { [ "$(daemons | wc -l)" -eq 1 ]; }
runs_none() { [ "$(daemons | wc -l)" -eq 0 ]; }
no_pid_file() { [ ! -e "$home/orchestrator.pid" ]; }
sessions() { echo $(($(field active_containers) - $(field pool_containers))); }
nothing_left() { runs_none && no_pid_file; }

run start_sh status
check "status says that nothing runs, with status 3" ended 3
run start_sh stop
check "stop where nothing runs is no error" ended 0
run start_sh bogus
check "an unknown word is an error, status 2" ended 2

# ---- the first start -------------------------------------------------------------------------------------------------
run start_sh
check "start succeeds" ended 0
check "start shows its steps and their seconds" says '^Building the daemon +[0-9]+\.[0-9] s'
check "start ends with the link to open" says "http://[^ ]*:$first_port/access\?id="
check "start ends with the command that follows the log" says "tail -f logs/app\.log\.$(date +%Y-%m-%d)"
check "orchestrator.pid holds the number of the daemon, alone" test "$(pid_now)" = "$(daemons)"
check "the daemon has a session of its own" test "$(ps -o sid= -p "$(pid_now)" | tr -d ' ')" = "$(pid_now)"
check "/health answers" test "$(route /health | tr -d ' ')" = '{"status":"ok"}'
check "the pool is full when start ends" test "$(field pool_containers)" = 1
check "the document's log file is there" grep -q '\[POOL\]' "$home/logs/app.log.$(date +%Y-%m-%d)"

run start_sh status
check "status succeeds while it runs" ended 0
check "status names the port and counts the sessions" says "port $first_port: 0 sessions, 1 in the pool, 4 ports"
first=$(pid_now)
run start_sh
check "a second start says that it runs already" says "already running \(pid $first\)"
check "a second start is no error" ended 0
check "a second start starts nothing" test "$(daemons)" = "$first"

# ---- sessions outlive the daemon -------------------------------------------------------------------------------------
route "/access?id=$client" >/dev/null
session=$(docker inspect --format '{{.Id}}' "vnc_$client" 2>/dev/null)
# What make leaves behind after a change: another file under the same name.
cp "$home/vnc-orchestrator" "$home/new" && mv "$home/new" "$home/vnc-orchestrator"
run start_sh status
check "a daemon whose program was built anew meanwhile is still known" ended 0
run start_sh restart
check "restart succeeds" ended 0
check "restart says that the session runs on" says '1 sessions run on'
check "restart leaves one daemon" runs_one
check "restart started another one" test "$(pid_now)" != "$first"
check "the session is the same container after a restart" \
  test -n "$session" -a "$(docker inspect --format '{{.Id}}' "vnc_$client" 2>/dev/null)" = "$session"
check "/status still has the session" test "$(sessions)" = 1

cp "$home/.env" "$scratch/good.env"
echo "WARM_POOL_SIZE=many" >>"$home/.env"
run start_sh restart
check "restart with a bad setting fails" failed
check "restart with a bad setting leaves the running daemon alone" runs_one
cp "$scratch/good.env" "$home/.env"

printf '%s\n' 'ADMIN_TOKEN="s3gr-0123456789abcdef"' "ADMIN_LISTEN=unix:$scratch/admin" >>"$home/.env"
run start_sh restart
check "restart with an entrance of administrators finds the pool there" ended 0
check "and says that it is full" says '1 ready'
run start_sh status
check "status shows the token that it needs" says "1 sessions, 1 in the pool, 4 ports"
check "and tells nobody" not says s3gr
cp "$scratch/good.env" "$home/.env"
run start_sh restart
check "restart without it finds the port again" ended 0

# ---- somebody without rights -----------------------------------------------------------------------------------------
chmod 755 "$scratch"
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
run nobody "$home/start.sh" status
check "status works for a user who may not signal the daemon" ended 0
run nobody "$home/start.sh" stop
check "stop without rights says what to type" says 'sudo ./start.sh stop'
check "stop without rights fails" failed
check "stop without rights leaves the daemon running" runs_one

# ---- stop ------------------------------------------------------------------------------------------------------------
run start_sh stop
check "stop succeeds" ended 0
check "stop ends the daemon" runs_none
check "stop removes orchestrator.pid" no_pid_file
check "stop leaves the session running" test "$(docker inspect --format '{{.State.Running}}' "vnc_$client")" = true

# An empty package database: a machine where nothing is installed yet.
mkdir -p "$scratch/dpkg/updates" "$scratch/dpkg/info" && touch "$scratch/dpkg/status"
run nobody env DPKG_ADMINDIR="$scratch/dpkg" "$home/start.sh"
check "not root and packages missing: start names them" says 'missing: .*g\+\+.*libevent-dev'
check "not root and packages missing: start gives the command" says 'sudo apt-get install .*libevent-dev'
check "not root and packages missing: start ends with status 1" ended 1

# ---- pid files that are wrong ----------------------------------------------------------------------------------------
sleep 1000 &
other=$!
echo "$other" >"$home/orchestrator.pid"
run start_sh status
check "status: a pid file with another program's number is status 1" ended 1
run start_sh stop
check "stop: a pid file with another program's number is stale" says "stale: process $other is another program"
check "stop: the other program lives" kill -0 "$other"
check "stop: the stale pid file is removed" no_pid_file
echo "$other" >"$home/orchestrator.pid"
run start_sh
check "start: a pid file with another program's number is no hindrance" ended 0
check "start: the other program lives" kill -0 "$other"
kill "$other"
wait "$other" 2>/dev/null
kill -9 "$(pid_now)"
eventually runs_none
run start_sh status
check "status after kill -9 is 1" ended 1
run start_sh
check "start after kill -9 succeeds" ended 0
check "start after kill -9 finds the session again" test "$(sessions)" = 1
check "start after kill -9 has one daemon" runs_one
start_sh stop >/dev/null
echo "not a number" >"$home/orchestrator.pid"
run start_sh stop
check "a pid file without a number is stale" says 'stale'

# ---- two at once -----------------------------------------------------------------------------------------------------
start_sh >"$scratch/one" 2>&1 &
one=$!
start_sh >"$scratch/two" 2>&1
two_status=$?
wait "$one"
check "two starts at once both succeed" test $?$two_status = 00
check "two starts at once make one daemon" runs_one
check "one of two starts at once says that it runs already" \
  test "$(cat "$scratch/one" "$scratch/two" | grep -c 'already running')" -eq 1
start_sh stop >/dev/null

# ---- starts that fail ------------------------------------------------------------------------------------------------
cp "$home/.env" "$scratch/good.env"
echo "PORT_RANGE_MIN=none" >>"$home/.env"
run start_sh
check "a bad setting: start fails" failed
check "a bad setting: start names it" says 'PORT_RANGE_MIN'
check "a bad setting: nothing runs and no pid file is left" nothing_left
cp "$scratch/good.env" "$home/.env"

/bin/busybox httpd -f -p "127.0.0.1:$first_port" -h "$scratch" &
squatter=$!
eventually port_is_taken "$first_port"
run start_sh
check "a taken port: start fails" failed
check "a taken port: start shows the last lines of the log" says "^[0-9-]{10} [0-9:,]{12} ERROR .*$first_port"
check "a taken port: nothing runs and no pid file is left" nothing_left
kill "$squatter"
wait "$squatter" 2>/dev/null

echo "VNC_IMAGE=localhost/vnc-scripts-no-such-image:latest" >>"$home/.env"
# What waits in the pool would serve on.
docker ps -aq --filter "label=io.vnc-orchestrator.instance=$network" | xargs -r docker rm -f >/dev/null
run start_sh
check "an image that is not there: start succeeds" ended 0
check "an image that is not there: start says that the pool cannot be filled" says 'pool cannot be filled'
check "an image that is not there: start names the image" says 'vnc-scripts-no-such-image'
run start_sh stop
check "an image that is not there: stop succeeds" ended 0

finish
