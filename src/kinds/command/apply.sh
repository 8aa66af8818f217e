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
