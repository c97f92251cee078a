#!/usr/bin/env bash
# The Debian package as an administrator uses it, in a clean root: install, start, upgrade with a session running, remove, install
# again, purge. The root is a container of its own; its daemon asks this machine's engine, with a network and an image name of its own.
# shellcheck source-path=SCRIPTDIR source=operator.sh
. "$(dirname "${BASH_SOURCE[0]}")/operator.sh"

root=vnc-deb-$block
image=localhost/vnc-orchestrator-deb-$block
base=debian:bookworm-slim
take_away() {
  docker rm -f -v "$root" >/dev/null 2>&1
  docker rmi "$image:latest" >/dev/null 2>&1
  clean_up
}
trap take_away EXIT
for needed in "$base" localhost/vnc-orchestrator-tiny:latest; do
  docker image inspect "$needed" >/dev/null 2>&1 || { echo "Bail out! image $needed is not there: make image tiny-image"; exit 2; }
done
docker tag localhost/vnc-orchestrator-tiny:latest "$image:latest"

# ---- the package -----------------------------------------------------------------------------------------------------
copy_tree "$scratch/tree"
cd "$scratch/tree" || exit 2
run ./configure
run make deb
check "make deb succeeds" ended 0
debs=$scratch/tree/build/deb
version=$(sed -n 's/^version = //p' config.mak)
package=$(ls "$debs/vnc-orchestrator_${version}_"*.deb)
check "the package has configure's version" test "$(dpkg-deb --field "$package" Version)" = "$version"
run lintian --allow-root --fail-on error "$debs"/*.changes
check "lintian finds no error" ended 0
check "the settings are a conffile" grep -qx /etc/vnc-orchestrator/vnc-orchestrator.env <(dpkg-deb --info "$package" conffiles)
check "the unit is taken into systemd's care" grep -q 'deb-systemd-helper enable .vnc-orchestrator.service.' <(dpkg-deb --info "$package" postinst)

# The same with a higher number, and a default that has changed.
dpkg-deb --raw-extract "$package" "$scratch/next"
sed -i "s/^Version: .*/&+next/" "$scratch/next/DEBIAN/control"
sed -i "s/^WARM_POOL_MAX=.*/WARM_POOL_MAX=21/" "$scratch/next/etc/vnc-orchestrator/vnc-orchestrator.env"
dpkg-deb --root-owner-group --build "$scratch/next" "$debs/next.deb" >/dev/null
cp "$package" "$debs/first.deb"

# ---- a clean root ----------------------------------------------------------------------------------------------------
docker run -d --init --name "$root" -v /var/run/docker.sock:/run/docker.sock -v "$(readlink -f "$(command -v docker)"):/usr/bin/docker:ro" \
  -v "$debs:/debs:ro" "$base" sleep infinity >/dev/null
inside() { docker exec "$root" "$@"; }
shell() { docker exec "$root" bash -c "$1"; }
install_it() { inside env DEBIAN_FRONTEND=noninteractive dpkg --install --force-confdef --force-confold "/debs/$1.deb"; }
# As the engine's package has made the group.
inside groupadd --system --gid "$(stat -Lc %g /var/run/docker.sock)" docker
depends=$(dpkg-deb --field "$package" Depends Pre-Depends | sed -e 's/^[^:]*: //' -e 's/([^)]*)//g' | tr ',\n' '  ')
run shell "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $depends"
check "what it depends on is Debian's" ended 0

# What is where, but for the package manager's own notes.
everything() {
  shell 'find / -xdev \( -path /proc -o -path /sys -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/lib/apt -o -path /tmp \) -prune \
    -o ! -path "/var/log/dpkg.log" ! -path "/etc/*-" ! -path /usr/sbin/policy-rc.d -print | sort; getent passwd; getent group'
}
everything >"$scratch/before"

# Nothing is started behind anybody's back where the administrator says so, as in this root.
shell 'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d'
run install_it first
check "it installs where nothing may be started" ended 0
# From here on as on a machine with an init: without one, Debian's invoke-rc.d wants to be told so.
shell 'printf "#!/bin/sh\nexit 0\n" >/usr/sbin/policy-rc.d'

ip=$(docker inspect --format '{{.NetworkSettings.IPAddress}}' "$root")
route() { curl -s --noproxy '*' --max-time 60 "http://$ip:$first_port$1"; }
daemon_is_up() { [ "$(route /health | tr -d ' ')" = '{"status":"ok"}' ]; }
daemon_is_away() { ! daemon_is_up; }
# The certificate that the daemon makes is no file of the engine's machine here; that of an operator is.
touch "$scratch/certificate" "$scratch/key"
write_settings "$scratch/env" VNC_TLS_CERT="$scratch/certificate" VNC_TLS_KEY="$scratch/key" LOG_DIR=/var/log/vnc-orchestrator
sed -i -e "s|^VNC_IMAGE=.*|VNC_IMAGE=$image:latest|" -e "s|^ORCHESTRATOR_HOST=.*|ORCHESTRATOR_HOST=0.0.0.0|" "$scratch/env"
# As an editor writes: into the file that is there.
docker exec -i "$root" bash -c 'cat >/etc/vnc-orchestrator/vnc-orchestrator.env' <"$scratch/env"

run inside service vnc-orchestrator start
check "the service starts" ended 0
check "the daemon answers" eventually daemon_is_up
pid_now() { inside cat /run/vnc-orchestrator.pid; }
of_process() { shell "sed -n 's/^$2:[[:space:]]*//p' /proc/$1/status"; }
check "it is not root" test "$(shell "stat -c %U:%G /proc/$(pid_now)")" = vnc-orchestrator:vnc-orchestrator
check "of root's rights it has one" test "$(of_process "$(pid_now)" CapEff)" = 0000000000000400
check "and can gain none" test "$(of_process "$(pid_now)" CapBnd) $(of_process "$(pid_now)" NoNewPrivs)" = "0000000000000400 1"
check "others read neither settings nor state" test "$(shell 'cd / && stat -c "%a %U" etc/vnc-orchestrator/*.env var/lib/vnc-orchestrator' | tr '\n' ' ')" = \
  "640 root 700 vnc-orchestrator "
check "the log is in its place" shell 'test -s /var/log/vnc-orchestrator/app.log.*'

run curl -s -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 60 "http://$ip:$first_port/access?id=$client"
check "a client gets a session" says '^302$'
session_of() { route "/status?id=$client" | sed -n 's/.*"container_id": *"\([0-9a-f]*\)".*/\1/p'; }
session=$(session_of)
is_running() { [ "$(docker inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }
check "it runs" is_running "$session"

# ---- upgrade ---------------------------------------------------------------------------------------------------------
before=$(pid_now)
run install_it next
check "an upgrade succeeds" ended 0
check "another daemon runs" test "$(pid_now)" != "$before"
check "the new daemon answers" eventually daemon_is_up
check "the session is the same as before" test "$(session_of)" = "$session"
check "the session runs on" is_running "$session"
check "the administrator's settings are kept" shell "grep -qx 'DOCKER_NETWORK_NAME=$network' /etc/vnc-orchestrator/vnc-orchestrator.env"
check "and still nobody else reads them" test "$(inside stat -c '%a %U:%G' /etc/vnc-orchestrator/vnc-orchestrator.env)" = "640 root:vnc-orchestrator"

# ---- remove, and back again ------------------------------------------------------------------------------------------
run inside dpkg --remove vnc-orchestrator
check "it is removed" ended 0
check "the daemon has ended" eventually daemon_is_away
check "sessions run on, and that is said" says 'sessions run on'
check "the session runs on" is_running "$session"
check "settings and state are kept" inside test -s /etc/vnc-orchestrator/vnc-orchestrator.env -a -s /var/lib/vnc-orchestrator/state.json
run install_it first
check "it is installed again, and started" eventually daemon_is_up
check "the session is found again" test "$(session_of)" = "$session"

# ---- purge -----------------------------------------------------------------------------------------------------------
run inside dpkg --purge vnc-orchestrator
check "it is purged" ended 0
check "the daemon has ended" eventually daemon_is_away
check "no container of it is left" test -z "$(docker ps -aq --filter "label=io.vnc-orchestrator.instance=$network")"
check "its network is gone" test -z "$(docker network ls -q --filter "name=^$network\$")"
check "the image that was built for it is gone" test -z "$(docker image ls -q "$image")"
run diff "$scratch/before" <(everything)
check "no file, user or group of it is left" ended 0

# The packet filter's rules, which that root may not touch: in a network of their own, by the purge's own words.
clear_rules=$(sed -n '/^clear_rules() {/,/^}/p' packaging/debian/postrm)
run unshare --net --mount sh -ec "mount -t sysfs sysfs /sys
  ip link add br-there type bridge
  for tables in iptables ip6tables; do
    \$tables -N DOCKER-USER
    for name in there gone; do
      \$tables -N VNC-\$name && \$tables -A VNC-\$name -j RETURN
      for hook in INPUT DOCKER-USER; do \$tables -I \$hook -i br-\$name -j VNC-\$name; done
    done
  done
  $clear_rules
  clear_rules
  iptables -S && ip6tables -S"
check "the purge goes through the packet filter" ended 0
check "rules of a network that is gone are taken away" not says 'VNC-gone'
check "and those of one that is there stay" test "$(grep -c 'VNC-there' <<<"$output")" -eq 8

finish
