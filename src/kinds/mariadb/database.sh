# Lines: name. Prints R|name|collation, A|name, G|name|who may do everything in it, Z; nothing of a database that was not asked for.
probe_mariadb_database() {
  asked=$(cat)
  mariadb_rows "SELECT CONCAT('R|', SCHEMA_NAME, '|', DEFAULT_COLLATION_NAME) FROM information_schema.SCHEMATA
    WHERE SCHEMA_NAME REGEXP '^[A-Za-z_][A-Za-z0-9_-]*\$';
    SELECT CONCAT('G|', $MARIADB_NAME, '|', User, '@', Host) FROM mysql.db WHERE $MARIADB_ALL
    AND User REGEXP '^[A-Za-z_][A-Za-z0-9_-]*\$' AND Host REGEXP '^[A-Za-z0-9._%:-]+\$'" || return 0
  { printf '%s\n|\n%s\n' "$ROWS" "$asked"; } | awk -F'|' '
    !past { if ($0 == "|") past = 1; else if ($1 == "R") row[$2] = $0; else if ($1 == "G") grants[$2] = grants[$2] $0 "\n"; next }
    { print ($1 in row) ? row[$1] : "A|" $1; printf "%s", grants[$1] }'
  echo Z
}

# In a grant, the name of a database is a pattern: \_ is a mere underscore.
MARIADB_NAME="REPLACE(Db, CHAR(92), '')"
MARIADB_ALL="'Y' = ALL (SELECT Select_priv UNION SELECT Insert_priv UNION SELECT Update_priv UNION SELECT Delete_priv
  UNION SELECT Create_priv UNION SELECT Drop_priv UNION SELECT References_priv UNION SELECT Index_priv UNION SELECT Alter_priv
  UNION SELECT Create_tmp_table_priv UNION SELECT Lock_tables_priv UNION SELECT Create_view_priv UNION SELECT Show_view_priv
  UNION SELECT Create_routine_priv UNION SELECT Alter_routine_priv UNION SELECT Execute_priv UNION SELECT Event_priv
  UNION SELECT Trigger_priv)"
