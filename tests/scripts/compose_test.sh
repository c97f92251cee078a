#!/usr/bin/env bash
# Dockerfile, docker-compose.yml and README's docker run, as an administrator uses them: the orchestrator in a container, its sessions beside it.
# shellcheck source-path=SCRIPTDIR source=operator.sh
. "$(dirname "${BASH_SOURCE[0]}")/operator.sh"

box=vnc-scripts-$block
image=localhost/vnc-orchestrator-scripts-$block
base=debian:bookworm-slim
take_away() {
  docker rm -f -v "$box" >/dev/null 2>&1
  docker rmi "$image:latest" >/dev/null 2>&1
  clean_up
}
trap take_away EXIT
docker image inspect "$base" >/dev/null 2>&1 || docker pull -q "$base" >/dev/null || { echo "Bail out! $base is not there: make image"; exit 2; }
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi

home=$scratch/home
copy_tree "$home"
write_settings "$home/.env" VIEWER_CHECK_SECONDS=1 FIREWALL=on
sed -i "s/^ORCHESTRATOR_HOST=.*/ORCHESTRATOR_HOST=0.0.0.0/" "$home/.env"
# As of an administrator who lets nobody read it.
chown nobody "$home/.env" && chmod 0600 "$home/.env"
# Only names and places are others than an administrator's.
cat >"$scratch/places.yml" <<TEXT
services:
  vnc-orchestrator:
    image: $image
    container_name: $box
    environment: [STATE_FILE=$scratch/state/state.json]
    volumes:
      - $scratch/state:$scratch/state
      - $scratch/none:/var/lib/vnc-orchestrator
      - $scratch/logs:/var/log/vnc-orchestrator
TEXT
do_compose() { "${compose[@]}" --project-name "$box" --project-directory "$home" -f "$home/docker-compose.yml" -f "$scratch/places.yml" "$@"; }

health() { docker inspect --format '{{.State.Health.Status}}' "$box"; }
is_healthy() { [ "$(health)" = healthy ]; }
daemon_is_up() { [ "$(route /health | tr -d ' ')" = '{"status":"ok"}' ]; }
daemon_is_away() { ! daemon_is_up; }
access() { curl -s -o /dev/null -w '%{http_code} %{redirect_url}' --noproxy '*' --max-time 60 "http://127.0.0.1:$first_port/access?id=$client"; }
session_of() { route "/status?id=$client" | sed -n 's/.*"container_id": *"\([0-9a-f]*\)".*/\1/p'; }
is_running() { [ "$(docker inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }

run do_compose up -d --build
check "docker compose up succeeds" ended 0
check "the daemon answers" eventually daemon_is_up
check "its image is small" test "$(docker image inspect --format '{{.Size}}' "$image")" -lt 130000000
run access
check "a client gets a session" says '^302 '
session=$(session_of)
check "the session is a container of this machine's engine" is_running "$session"
certificate=$scratch/state/state.json.certificate.pem
check "the state is in its volume" test -s "$scratch/state/state.json"
check "the log is in its volume" grep -q '\[ACCESS\]' "$scratch"/logs/app.log.*
check "the session has the certificate that the daemon made" \
  test "$(docker exec "$session" /busybox cat "$(docker inspect --format "{{range .Mounts}}{{if eq .Source \"$certificate\"}}{{.Destination}}{{end}}{{end}}" "$session")")" = "$(cat "$certificate")"
exec 5<>"/dev/tcp/127.0.0.1/$(tr -dc '0-9' <<<"${output##*:}")"
is_watched() { route "/status?id=$client" | grep -q '"viewers": 1,'; }
check "it sees who watches" eventually is_watched
exec 5>&-
run docker exec "$session" /busybox wget -q -O - "http://10.97.$block.1:$first_port/status"
check "a session gets no answer of the daemon's routes" says 'Connection refused'
pid=$(docker inspect --format '{{.State.Pid}}' "$box")
check "of root's rights it has three" test "$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$pid/status")" = 0000000000001402

half_minute() { local deadline=$((SECONDS + 30)); until "$@"; do [ "$SECONDS" -lt "$deadline" ] || return 1; sleep 0.5; done; }
check "docker calls it healthy" half_minute is_healthy
docker kill --signal STOP "$box" >/dev/null
run docker exec "$box" health
check "one that answers nobody is not" failed
docker kill --signal CONT "$box" >/dev/null

# ---- another container of it, none, and README's ---------------------------------------------------------------------
run do_compose up -d --force-recreate
check "it is made anew" ended 0
check "the daemon answers again" eventually daemon_is_up
check "it has found the session again" test "$(session_of)" = "$session"
run do_compose down
check "docker compose down succeeds" ended 0
check "the daemon has ended" daemon_is_away
check "the session runs on" is_running "$session"

command=$(sed -n 's/^    \(docker run -d .*\)$/\1/p' "$home/README.md" | head -n 1)
command=${command//\/var\/lib\/vnc-orchestrator/$scratch/state}
command=${command/\/var\/log\/vnc-orchestrator:/$scratch/logs:}
command=${command/\/etc\/vnc-orchestrator:/$home:}
command=${command/--name vnc-orchestrator/--name $box -e STATE_FILE=$scratch/state/state.json}
command=${command/localhost\/vnc-orchestrator/$image}
run bash -c "$command"
check "README's docker run succeeds" ended 0
check "the daemon answers" eventually daemon_is_up
check "it has found the session again" test "$(session_of)" = "$session"

finish
