postgres_role_present() { # NAME LOGIN PASSWORD? VERIFIER COPY LEDGER
  did=
  now=$(postgres_sql "SELECT CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END FROM pg_authid WHERE rolname = '$1'")
  if [ -z "$now" ]; then
    creates
    postgres_sql "CREATE ROLE \"$1\" $2"
    did=yes
  elif [ "$now" != "$2" ]; then
    postgres_sql "ALTER ROLE \"$1\" $2; COMMENT ON ROLE \"$1\" IS NULL"
    did=yes
  fi
  if [ "$3" = yes ]; then
    if [ "$(postgres_sql "SELECT rolpassword FROM pg_authid WHERE rolname = '$1'")" != "$(cat -- "$4")" ]; then
      {
        echo "SET log_statement = 'none'; SET log_min_error_statement = 'panic'; SET log_min_duration_statement = -1;"
        printf 'ALTER ROLE "%s" PASSWORD %s' "$1" "'"
        cat -- "$4"
        echo "';"
      } | postgres_run
      did=yes
    fi
    seal "$4" "$5" "$6"
  fi
  [ -n "$did" ] || unchanged
}

# Who owns something cannot go: nobody logs in as it any more, and it says why.
postgres_role_retired() { # NAME
  now=$(postgres_sql "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') = 'closed by Steward' FROM pg_authid WHERE rolname = '$1'")
  case $now in '' | t) unchanged ;; esac
  if ! postgres_sql "DROP ROLE \"$1\"" >/dev/null 2>&1; then
    postgres_sql "ALTER ROLE \"$1\" NOLOGIN PASSWORD NULL; COMMENT ON ROLE \"$1\" IS 'closed by Steward'"
  fi
}

postgres_role_absent() { # NAME
  [ -n "$(postgres_sql "SELECT 1 FROM pg_authid WHERE rolname = '$1'")" ] || unchanged
  postgres_sql "DROP ROLE \"$1\""
}
