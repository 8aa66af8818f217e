postgres_database_present() { # NAME OWNER LOCALE
  now=$(postgres_sql "SELECT pg_get_userbyid(datdba) || '|' || datcollate FROM pg_database WHERE datname = '$1'")
  if [ -z "$now" ]; then
    creates
    postgres_sql "CREATE DATABASE \"$1\" TEMPLATE template0 ENCODING 'UTF8'${2:+ OWNER \"$2\"}${3:+ LC_COLLATE '$3' LC_CTYPE '$3'}"
    return 0
  fi
  if [ -n "$3" ] && [ "${now##*|}" != "$3" ]; then
    echo "the database $1 has the locale ${now##*|}, which cannot change: dump it, drop it, let it be made anew, restore"
    exit 1
  fi
  if [ -z "$2" ] || [ "${now%|*}" = "$2" ]; then unchanged; fi
  postgres_sql "ALTER DATABASE \"$1\" OWNER TO \"$2\""
}

postgres_database_retired() { # NAME FATE
  [ -n "$(postgres_sql "SELECT 1 FROM pg_database WHERE datname = '$1'")" ] || unchanged
  if [ "$2" != destroy ]; then
    archive_place "$1.dump"
    (
      umask 077
      cd /
      HOME=/nonexistent as_account postgres pg_dump -Fc -d "$1" >"$place.part"
    )
    sync -f "$place.part" 2>/dev/null || sync
    mv -- "$place.part" "$place"
  fi
  postgres_sql "DROP DATABASE \"$1\""
}

postgres_database_absent() { # NAME
  [ -n "$(postgres_sql "SELECT 1 FROM pg_database WHERE datname = '$1'")" ] || unchanged
  postgres_sql "DROP DATABASE \"$1\""
}
