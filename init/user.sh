#!/bin/sh
# Makes the system user that the daemon runs as, and gives it its folders; what is there already stays as it is.
#   user.sh USER STATE_FOLDER LOG_FOLDER SETTINGS_FILE       (as root)
# The user is in the group docker, since the daemon asks the engine to start containers. Who may ask that can have a container
# with this machine's whole disk in it: the right is as good as root's. So nothing but the daemon should run as this user.
set -eu
[ "$#" -eq 4 ] || { echo "usage: $0 USER STATE_FOLDER LOG_FOLDER SETTINGS_FILE" >&2; exit 2; }
user=$1 state=$2 logs=$3 settings=$4

# The engine's package makes the group, too, when it comes later.
getent group docker >/dev/null || groupadd --system docker
if ! getent passwd "$user" >/dev/null; then
  useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin \
    --comment "VNC orchestrator" --groups docker "$user"
fi

# give FOLDER GROUP MODE: with what an earlier daemon left in it as root.
give() {
  mkdir -p "$1"
  if [ "$(stat -c %U "$1")" != "$user" ]; then
    chown -R --no-dereference "$user:$2" "$1"
    chmod "$3" "$1"
  fi
}
give "$state" "$user" 0700
# Who is in adm reads the logs, as those of other daemons.
give "$logs" adm 2750

# It may hold passwords: the daemon reads it, root writes it.
if [ -e "$settings" ] && [ "$(stat -c %G "$settings")" = root ]; then
  chgrp "$user" "$settings"
  chmod 0640 "$settings"
fi
