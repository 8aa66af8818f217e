# Nothing says that it is to be done, until something changes.
command_waits() { unchanged; }

command_run() { # STDIN GUARD WHAT SECONDS ACCOUNT DIRECTORY COUNT VARIABLE… shell TEXT | words WORD…
  feed=$1 guard=$2 what=$3 limit=$4 as=$5 in=$6
  shift 6
  ! command_is_done "$@" || unchanged
  code=0
  (command_do "$limit" "$as" "$in" '' "$@") <"$feed" || code=$?
  case $code in
    0) ;;
    124 | 137 | 143)
      echo "ended, since it ran longer than $limit s"
      exit 1
      ;;
    *)
      echo "ended with status $code"
      exit 1
      ;;
  esac
  [ -n "$guard" ] || return 0
  if [ "$guard" = input ]; then
    note "S|$what|-"
    return 0
  fi
  if ! command_is_done "$@"; then
    echo "it ran, but it is not done: $([ "$guard" = creates ] && echo "$what is not there" || echo '`unless` still ends with 1')"
    exit 1
  fi
}

# Fails if it is to be run; ends the step if nothing can tell.
command_is_done() { # COUNT VARIABLE…
  case $guard in
    creates) [ -e "$what" ] || [ -L "$what" ] || return 1 ;;
    unless)
      code=0
      (command_do 60 "$as" "$in" "$what" "$@") || code=$?
      [ $code -ne 1 ] || return 1
      if [ $code -ne 0 ]; then
        echo "\`unless\` ended with status $code; 0 would mean that it is done, 1 that it is to be run"
        exit 1
      fi
      ;;
    input) grep -qxF -- "S|$what|-" "$STATE/ledger" 2>/dev/null || return 1 ;;
    *) return 1 ;;
  esac
}

# command_rotate VALUES SECRET GUARD WHAT …, as command_run. VALUES has a line for each value that a host may have, oldest
# first, and one for the new one: the id of the value, a blank, the value. The command reads what this host has, and the new one.
command_rotate() {
  values=$1 secret=$2
  shift 2
  if ! had=$(command_had "$values" "$secret"); then
    echo "this host has a value of the secret $secret that nobody kept: change it there by hand, then delete secrets/$secret.previous.age in the repository"
    exit 1
  fi
  while IFS= read -r line; do
    if [ "${line%% *}" = "$had" ]; then old=${line#* }; fi
    new=${line#* }
  done <"$values"
  # the shell's own printf: no process has a value in its arguments
  (umask 077 && printf '%s\n%s\n' "$old" "$new" >"$RUN/rotation")
  command_run "$RUN/rotation" "$@"
}

# Prints the id of the newest value that something here was made of; of the oldest one, if nothing tells.
command_had() {
  {
    sed 's/ .*//' <"$1"
    echo '|'
    [ ! -e "$STATE/ledger" ] || cat -- "$STATE/ledger"
  } | awk -F'|' -v secret="$2" '
    !ledger { if ($0 == "|") ledger = 1; else order[++count] = $0; next }
    $1 == "S" && $3 == "gone" { delete made[$2] }
    $1 == "S" && NF == 5 { made[$2] = $4 }
    END {
      for (identity in made) {
        pairs = split(made[identity], pair, " ")
        for (i = 1; i <= pairs; i++) if (index(pair[i], secret "=") == 1) has[substr(pair[i], length(secret) + 2)]
      }
      delete has[order[count]]
      for (i = count - 1; i > 0; i--) if (order[i] in has) { print order[i]; exit }
      for (id in has) if (order[1] !~ /^0+$/) exit 1
      print order[1]
    }'
}
