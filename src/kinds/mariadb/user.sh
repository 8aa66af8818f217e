# mariadb_sql SQL: prints rows. Constant, or made of plain names only; a hash comes on standard input of mariadb_run.
mariadb_sql() { printf '%s;\n' "$1" | mariadb_run; }

mariadb_run() {
  client=mariadb
  command -v mariadb >/dev/null 2>&1 || client=mysql
  HOME=/root "$client" -u root --batch --raw --skip-column-names
}

# mariadb_rows SQL: sets ROWS; fails, with E|why, if there is nobody to ask.
mariadb_rows() {
  if ! command -v mariadb >/dev/null 2>&1 && ! command -v mysql >/dev/null 2>&1; then
    echo 'E|MariaDB is not installed here'
    return 1
  fi
  ROWS=$(mariadb_sql "$1" 2>&1) && return 0
  printf 'E|the server does not answer: %s\n' "$(printf '%s\n' "$ROWS" | head -n 1 | tr -c ' -~\n' '?')"
  return 1
}

# Lines: name@host, or name@host|sealed|digest with nonce|identity. Prints R|name@host|plugin, A|…, lines of compare_text, Z.
probe_mariadb_user() {
  asked=$(cat)
  mariadb_rows "SELECT CONCAT('R|', User, '@', Host, '|', plugin, '|', COALESCE(authentication_string, '')) FROM mysql.user
    WHERE User REGEXP '^[A-Za-z_][A-Za-z0-9_-]*\$' AND Host REGEXP '^[A-Za-z0-9._%:-]+\$'" || return 0
  { printf '%s\n|\n%s\n' "$ROWS" "$asked"; } | awk -F'|' '
    !past { if ($0 == "|") past = 1; else if ($1 == "R") { plugin[$2] = $3; kept[$2] = $4 } next }
    !($1 in plugin) { print "A|" $1; next }
    { print "R|" $1 "|" plugin[$1] }
    $2 == "sealed" { print "c|" $1 "|" kept[$1] "|" $3 "|" $4 }' | while IFS='|' read -r word name one wanted id; do
    case $word in
      c) compare_text "$name" "$one" "$wanted" "$id" ;;
      R) printf 'R|%s|%s\n' "$name" "$one" ;;
      *) printf '%s|%s\n' "$word" "$name" ;;
    esac
  done
  echo Z
}
