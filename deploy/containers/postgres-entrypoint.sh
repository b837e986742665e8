#!/bin/bash
# What the public image's entry point does with POSTGRES_PASSWORD, POSTGRES_INITDB_ARGS and PGPORT, and no more.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
  install --directory --owner=postgres --group=postgres --mode=700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$BASH_SOURCE" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Word by word, as one writes it.
  # shellcheck disable=SC2086
  initdb --username=postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
  # The public image starts once for its own setting up, and says twice that it accepts connections.
  pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
  pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
fi

exec "$@"
