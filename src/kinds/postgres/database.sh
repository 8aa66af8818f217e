# Lines: name. Prints R|name|owner|locale, A|name, Z.
probe_postgres_database() {
  asked=$(cat)
  postgres_rows "SELECT 'R|' || datname || '|' || regexp_replace(pg_get_userbyid(datdba), '[^A-Za-z0-9_-]', '?', 'g') || '|' ||
    datcollate FROM pg_database WHERE datname ~ '^[A-Za-z_][A-Za-z0-9_-]*\$'" || return 0
  { printf '%s\n|\n%s\n' "$ROWS" "$asked"; } | awk -F'|' '
    !past { if ($0 == "|") past = 1; else if ($1 == "R") row[$2] = $0; next }
    { print ($1 in row) ? row[$1] : "A|" $1 }'
  echo Z
}
