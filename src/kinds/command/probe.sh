# Lines: "creates|path", "unless|name|text|account|directory|number of variables|variable…". Prints stat_paths, and
# R|name|status for each guard.
probe_command() {
  asked=$(cat)
  printf '%s\n' "$asked" | sed -n 's/^creates|\([^|]*\).*/\1/p' | stat_paths
  printf '%s\n' "$asked" | while IFS='|' read -r word name text account directory count variables; do
    [ "$word" = unless ] || continue
    code=0
    (
      set --
      number=$count
      while [ "$number" -gt 0 ]; do
        decode "${variables%%|*}"
        set -- "$@" "$D"
        variables=${variables#*|}
        number=$((number - 1))
      done
      decode "$text"
      text=$D
      decode "$account"
      account=$D
      decode "$directory"
      command_do 10 "$account" "$D" "$text" "$count" "$@"
    ) </dev/null >/dev/null 2>&1 || code=$?
    printf 'R|%s|%s\n' "$name" "$code"
  done
}

# command_do SECONDS ACCOUNT DIRECTORY GUARD COUNT VARIABLE… shell TEXT | words WORD…
# Runs the guard, or else the command. Exports variables, so it wants a subshell.
command_do() {
  seconds=$1 account=$2 directory=$3 guard=$4 count=$5
  shift 5
  HOME=/root
  if [ -n "$account" ]; then
    HOME=$(awk -F: -v name="$account" '$1 == name { print $6; exit }' /etc/passwd)
    if [ -z "$HOME" ]; then
      echo "there is no account $account here"
      exit 126
    fi
    USER=$account LOGNAME=$account
    export USER LOGNAME
  fi
  export HOME
  while [ "$count" -gt 0 ]; do
    # its value is a name and a value
    # shellcheck disable=SC2163
    export "$1"
    shift
    count=$((count - 1))
  done
  cd -- "$directory" || exit 126
  if [ -n "$guard" ]; then
    STEWARD_TEXT=$guard
    set -- shell
  else
    STEWARD_TEXT=${2:-}
  fi
  if [ "$1" = shell ]; then
    export STEWARD_TEXT
    set -- words sh -c 'text=$STEWARD_TEXT; unset STEWARD_TEXT; eval "$text"'
  fi
  shift
  ! command -v timeout >/dev/null 2>&1 || set -- timeout -k 5 "$seconds" "$@"
  if [ -n "$account" ]; then as_account "$account" "$@"; else "$@"; fi
}
