mariadb_database_present() { # NAME COLLATION [USER HOST]…
  name=$1 collation=$2
  shift 2
  did=
  now=$(mariadb_sql "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '$name'")
  if [ -z "$now" ]; then
    creates
    mariadb_sql "CREATE DATABASE \`$name\` CHARACTER SET utf8mb4${collation:+ COLLATE $collation}"
    did=yes
  elif [ -n "$collation" ] && [ "$now" != "$collation" ]; then
    mariadb_sql "ALTER DATABASE \`$name\` COLLATE $collation"
    did=yes
  fi
  pattern=$(printf %s "$name" | sed 's/_/\\_/g')
  while [ $# -gt 0 ]; do
    granted=$(mariadb_sql "SELECT 1 FROM mysql.db WHERE $MARIADB_NAME = '$name' AND User = '$1' AND Host = '$2' AND $MARIADB_ALL LIMIT 1")
    if [ -z "$granted" ]; then
      if [ -z "$(mariadb_sql "SELECT 1 FROM mysql.user WHERE User = '$1' AND Host = '$2'")" ]; then
        echo "there is no user '$1'@'$2' to give the database $name to; declare it before this"
        exit 1
      fi
      mariadb_sql "GRANT ALL PRIVILEGES ON \`$pattern\`.* TO '$1'@'$2'"
      did=yes
    fi
    shift 2
  done
  [ -n "$did" ] || unchanged
}

mariadb_database_retired() { # NAME FATE
  [ -n "$(mariadb_sql "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '$1'")" ] || unchanged
  if [ "$2" != destroy ]; then
    archive_place "$1.sql"
    dump=mariadb-dump
    command -v mariadb-dump >/dev/null 2>&1 || dump=mysqldump
    (
      umask 077
      HOME=/root "$dump" -u root --single-transaction --routines --events --triggers --databases "$1" >"$place.part"
    )
    sync -f "$place.part" 2>/dev/null || sync
    mv -- "$place.part" "$place"
  fi
  mariadb_sql "DROP DATABASE \`$1\`"
}

mariadb_database_absent() { # NAME
  [ -n "$(mariadb_sql "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '$1'")" ] || unchanged
  mariadb_sql "DROP DATABASE \`$1\`"
}
