#!/usr/bin/env bash
# The installed init script as init and an administrator use it, with the exit statuses of the Linux Standard Base.
# shellcheck source-path=SCRIPTDIR source=operator.sh
. "$(dirname "${BASH_SOURCE[0]}")/operator.sh"

copy_tree "$scratch/tree"
copy_build "$scratch/tree"
prefix=$scratch/usr
user=vnc-scripts-$block
take_away() {
  clean_up
  userdel "$user" 2>/dev/null
}
trap take_away EXIT
chmod 0755 "$scratch"  # the daemon is not root
install_it() { make -C "$scratch/tree" --no-print-directory install prefix="$prefix" daemon_user="$user"; }
run install_it
check "make install succeeds" ended 0
settings=$prefix/etc/vnc-orchestrator/vnc-orchestrator.env
pid_file=$prefix/var/run/vnc-orchestrator.pid
check "the settings say where state and log are" \
  test "$(grep -cx -e "STATE_FILE=$prefix/var/lib/vnc-orchestrator/state.json" -e "LOG_DIR=$prefix/var/log/vnc-orchestrator" "$settings")" -eq 2
check "only root writes the settings, and the daemon reads them" test "$(stat -c '%a %U:%G' "$settings")" = "640 root:$user"
write_settings "$settings" VIEWER_CHECK_SECONDS=1 FIREWALL=on LOG_DIR="$prefix/var/log/vnc-orchestrator"
cp "$settings" "$scratch/good.env"
cd /

script() { "$prefix/etc/init.d/vnc-orchestrator" "$@"; }
daemon_is_up() { [ "$(route /health | tr -d ' ')" = '{"status":"ok"}' ]; }
pid_now() { cat "$pid_file"; }

check "no path is left to be filled in" not grep -n '@[a-z]*@' "$prefix/etc/init.d/vnc-orchestrator"
for word in Provides Required-Start Required-Stop Default-Start Default-Stop Short-Description Description; do
  check "INIT INFO has $word" grep -q "^# $word:" "$prefix/etc/init.d/vnc-orchestrator"
done

run script status
check "status: not running is 3" ended 3
run script stop
check "stop: not running is 0" ended 0
run script
check "no word is 2" ended 2
run script bogus
check "an unknown word is 2" ended 2
run script reload
check "reload: not running is 7" ended 7

run script start
check "start is 0" ended 0
check "the daemon answers" eventually daemon_is_up
check "the pid file holds the daemon's number" is_daemon "$(pid_now)"
of_process() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(pid_now)/status"; }
check "the daemon is a user of its own" test "$(stat -c %U:%G "/proc/$(pid_now)")" = "$user:$user"
check "of root's rights it has two, CAP_NET_BIND_SERVICE and CAP_NET_ADMIN" test "$(of_process CapEff) $(of_process CapBnd)" = "0000000000001400 0000000000001400"
has_firewall() { route /status | grep -q '"firewall": "on"'; }
check "with the latter it keeps sessions from this machine" eventually has_firewall
check "it can gain no other" test "$(of_process NoNewPrivs)" = 1
run curl -s -o /dev/null -w '%{redirect_url}' --noproxy '*' --max-time 60 "http://127.0.0.1:$first_port/access?id=$client"
check "the engine serves it, and a client gets a session" says '^https://localhost:[0-9]+/?$'
exec 5<>"/dev/tcp/127.0.0.1/$(tr -dc 0-9 <<<"$output")"
is_watched() { route "/status?id=$client" | grep -q '"viewers": 1,'; }
check "it sees who watches, without a right to" eventually is_watched
exec 5>&-
check "the state is where make install says" eventually test -e "$prefix/var/lib/vnc-orchestrator/state.json"
check "the log is where make install says" test -e "$prefix/var/log/vnc-orchestrator/app.log.$(date +%Y-%m-%d)"
run script status
check "status: running is 0" ended 0
first=$(pid_now)
run script start
check "start: already running is 0" ended 0
check "start: already running starts nothing" test "$(pid_now)" = "$first"

before=$(pid_now)
run script restart
check "restart is 0" ended 0
check "restart ends the daemon" not is_daemon "$before"
check "restart starts another" is_daemon "$(pid_now)"
eventually daemon_is_up
before=$(pid_now)
reloads() { grep -c "\[RELOAD\] Settings read again" "$prefix/var/log/vnc-orchestrator/app.log.$(date +%Y-%m-%d)"; }
for word in reload force-reload; do
  told=$(reloads)
  has_reloaded() { [ "$(reloads)" -gt "$told" ]; }
  run script "$word"
  check "$word is 0" ended 0
  check "$word has the settings read again" eventually has_reloaded
done
check "reload ends nothing" test "$(pid_now)" = "$before"
check "reload leaves the daemon running" is_daemon "$before"
echo "WARM_POOL_SIZE=many" >>"$settings"
run script reload
check "reload with a bad setting is 6 (not configured)" ended 6
run script restart
check "restart with a bad setting is 6 (not configured)" ended 6
check "restart with a bad setting names it" says 'WARM_POOL_SIZE'
check "restart with a bad setting leaves the running daemon alone" daemon_is_up

before=$(pid_now)
run script stop
check "stop is 0" ended 0
check "stop ends the daemon" not is_daemon "$before"
check "stop removes the pid file" test ! -e "$pid_file"
run script start
check "start with a bad setting is 6 (not configured)" ended 6
cp "$scratch/good.env" "$settings"

sleep 1000 &
other=$!
echo "$other" >"$pid_file"
run script status
check "status: a pid file with another program's number is 1" ended 1
run script stop
check "stop: a pid file with another program's number is 0" ended 0
check "stop: the other program lives" kill -0 "$other"
echo "$other" >"$pid_file"
mkdir -p "$prefix/etc/default"
echo "ORCHESTRATOR_PORT=$((first_port + 9))" >"$prefix/etc/default/vnc-orchestrator"
run script start
check "start: a pid file with another program's number is no hindrance" ended 0
check "start: the other program lives" kill -0 "$other"
kill "$other"
wait "$other" 2>/dev/null
elsewhere() { [ "$(curl -s --noproxy '*' "http://127.0.0.1:$((first_port + 9))/health" | tr -d ' ')" = '{"status":"ok"}' ]; }
check "etc/default sets the daemon's environment, which wins" eventually elsewhere
kill -9 "$(pid_now)"
eventually not is_daemon "$(pid_now)"
run script status
check "status after kill -9 is 1" ended 1
rm "$prefix/etc/default/vnc-orchestrator"

/bin/busybox httpd -f -p "127.0.0.1:$first_port" -h "$scratch" &
squatter=$!
eventually port_is_taken "$first_port"
run script start
check "start with the port taken is 1" ended 1
check "start with the port taken leaves no pid file" test ! -e "$pid_file"
kill "$squatter"
wait "$squatter" 2>/dev/null

echo "# the administrator's own line" >>"$settings"
# As a daemon of before that ran as root has left it.
script stop >/dev/null
chown -R root:root "$prefix/var/lib/vnc-orchestrator" "$prefix/var/log/vnc-orchestrator"
run install_it
check "what a daemon left that was root is given to the user" \
  test -z "$(find "$prefix/var/lib/vnc-orchestrator" "$prefix/var/log/vnc-orchestrator" ! -user "$user")"
check "installing again keeps the settings" grep -q "own line" "$settings"
run setpriv --reuid=nobody --regid=nogroup --clear-groups "$prefix/etc/init.d/vnc-orchestrator" start
check "start by somebody else than root is 4" ended 4
sed "s/^user=.*/user=nobody-of-that-name/" "$prefix/etc/init.d/vnc-orchestrator" >"$scratch/userless"
run sh "$scratch/userless" start
check "start without its user is 5 (not installed)" ended 5
check "start without its user names what makes it" says 'user\.sh'
rm "$prefix/sbin/vnc-orchestrator"
run script start
check "start without the program is 5 (not installed)" ended 5

finish
