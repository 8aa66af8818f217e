mariadb_user_present() { # NAME HOST PLUGIN [HASH COPY LEDGER]
  now=$(mariadb_sql "SELECT CONCAT(plugin, '|', COALESCE(authentication_string, '')) FROM mysql.user WHERE User = '$1' AND Host = '$2'")
  wanted=
  [ $# -lt 4 ] || wanted=$(cat -- "$4")
  case $now in
    '') word=CREATE ;;
    "$3|$wanted") word= ;;
    "$3|"*) if [ -n "$wanted" ]; then word=ALTER; else word=; fi ;;
    *) word=ALTER ;;
  esac
  if [ -n "$word" ]; then
    [ "$word" = ALTER ] || creates
    {
      printf "%s USER '%s'@'%s' IDENTIFIED VIA %s" "$word" "$1" "$2" "$3"
      [ -z "$wanted" ] || printf " USING '%s'" "$wanted"
      echo ';'
    } | mariadb_run
  fi
  [ $# -lt 4 ] || seal "$4" "$5" "$6"
  [ -n "$word" ] || unchanged
}

mariadb_user_absent() { # NAME HOST
  [ -n "$(mariadb_sql "SELECT 1 FROM mysql.user WHERE User = '$1' AND Host = '$2'")" ] || unchanged
  mariadb_sql "DROP USER '$1'@'$2'"
}
