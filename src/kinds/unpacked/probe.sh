# Lines: path. For each, one find with its stat and one sha256sum of all that is in it.
probe_archive() {
  number=0
  while IFS= read -r path; do
    decode "$path"
    printf '%s|%s\n' "$number" "$(unpacked_look "$D")"
    number=$((number + 1))
  done
}

unpacked_look() { # PATH
  if [ -L "$1" ]; then
    echo 'other|link'
  elif [ -d "$1" ]; then
    if [ ! -e "$1/.steward-unpacked" ] && [ ! -L "$1/.steward-unpacked" ]; then
      echo 'there||changed'
    elif [ ! -r "$1/.steward-unpacked" ] || [ -L "$1/.steward-unpacked" ]; then
      echo 'unknown|it cannot be read'
    else
      # "digest|stamp"
      IFS='|' read -r unpacked_was unpacked_stamp <"$1/.steward-unpacked" || :
      unpacked_stamp=$(printf %s "$unpacked_stamp" | tr -c 'A-Za-z0-9 ._$-' '?')
      if [ "$(unpacked_digest "$1")" = "$unpacked_was" ]; then
        printf 'there|%s|intact\n' "$unpacked_stamp"
      else
        printf 'there|%s|changed\n' "$unpacked_stamp"
      fi
    fi
  elif [ -e "$1" ]; then
    echo 'other|file'
  else
    stat_said=$(stat -c . -- "$1" 2>&1) || :
    case $stat_said in
      *': No such file or directory' | *': Not a directory') echo absent ;;
      *) echo 'unknown|it cannot be looked at' ;;
    esac
  fi
}

# Of names, kinds, modes, owners, link targets and contents; not of times, and not of what Python compiles for itself.
unpacked_digest() { # PATH
  (
    cd "$1" || exit 1
    {
      find . ! -path ./.steward-unpacked ! -path '*/__pycache__' ! -path '*/__pycache__/*' -exec env QUOTING_STYLE=literal stat -c '%f|%u|%g|%N' -- {} +
      find . -type f ! -path ./.steward-unpacked ! -path '*/__pycache__/*' -exec sha256sum -- {} +
    } | LC_ALL=C sort
  ) | sha256sum | cut -d ' ' -f 1
}
