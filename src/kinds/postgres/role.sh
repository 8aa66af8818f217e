# postgres_sql SQL: prints rows. Constant, or made of plain names only; a verifier comes on standard input of postgres_run.
postgres_sql() { printf '%s\n' "$1" | postgres_run; }

postgres_run() {
  (
    cd /
    HOME=/nonexistent as_account postgres psql -XqAt -v ON_ERROR_STOP=1 -d postgres
  )
}

# postgres_rows SQL: sets ROWS; fails, with E|why, if there is nobody to ask.
postgres_rows() {
  if ! command -v psql >/dev/null 2>&1; then
    echo 'E|PostgreSQL is not installed here'
    return 1
  fi
  ROWS=$(postgres_sql "$1" 2>&1) && return 0
  printf 'E|the server does not answer: %s\n' "$(printf '%s\n' "$ROWS" | head -n 1 | tr -c ' -~\n' '?')"
  return 1
}

# Lines: name, or name|sealed|digest with nonce|identity. Prints R|name|may log in|closed, A|name, lines of compare_text, Z.
probe_postgres_role() {
  asked=$(cat)
  postgres_rows "SELECT 'R|' || rolname || '|' || rolcanlogin || '|' || (coalesce(shobj_description(oid, 'pg_authid'), '') =
    'closed by Steward') || '|' || coalesce(rolpassword, '') FROM pg_authid
    WHERE rolname ~ '^[A-Za-z_][A-Za-z0-9_-]*\$'" || return 0
  { printf '%s\n|\n%s\n' "$ROWS" "$asked"; } | awk -F'|' '
    !past { if ($0 == "|") past = 1; else if ($1 == "R") { login[$2] = $3; closed[$2] = $4; kept[$2] = $5 } next }
    !($1 in login) { print "A|" $1; next }
    { print "R|" $1 "|" login[$1] "|" closed[$1] }
    $2 == "sealed" { print "c|" $1 "|" kept[$1] "|" $3 "|" $4 }' | while IFS='|' read -r word name one wanted id; do
    case $word in
      c) compare_text "$name" "$one" "$wanted" "$id" ;;
      R) printf 'R|%s|%s|%s\n' "$name" "$one" "$wanted" ;;
      *) printf '%s|%s\n' "$word" "$name" ;;
    esac
  done
  echo Z
}
