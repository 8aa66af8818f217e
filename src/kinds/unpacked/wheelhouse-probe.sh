# Lines: path. It is a link to PATH.DIGEST beside it.
probe_wheelhouse() {
  number=0
  while IFS= read -r path; do
    decode "$path"
    printf '%s|%s\n' "$number" "$(wheelhouse_look "$D")"
    number=$((number + 1))
  done
}

wheelhouse_look() { # PATH
  if [ ! -L "$1" ]; then
    case $(unpacked_look "$1") in
      absent) echo absent ;;
      unknown*) echo 'unknown|it cannot be looked at' ;;
      *) echo 'other|file' ;;
    esac
    return 0
  fi
  home=$(readlink -- "$1")
  case $home in
    "${1##*/}".????????????) unpacked_look "${1%/*}/$home" | sed 's/^absent$/there||changed/' ;;
    *) echo 'other|link' ;;
  esac
}
