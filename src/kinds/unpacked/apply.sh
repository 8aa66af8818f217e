# What is in the way is moved to a place of the host that only root can read, unless all of it is Steward's own.

unpacked_present() { # PATH PARENTS STAMP OWNER GROUP TAR
  now=$(unpacked_look "$1")
  case $now in
    "there|$3|intact") unchanged ;;
    'other|'*)
      echo "$1 is there and is no directory; remove it by hand if a directory shall take its place"
      exit 1
      ;;
  esac
  parent "$1" "$2"
  # the lock is held, so whatever has such a name was left by a run that was killed
  rm -rf -- "${1%/*}"/.steward.??????
  stage=$(mktemp -d -- "${1%/*}/.steward.XXXXXX")
  trap 'rm -rf -- "$stage"' EXIT
  tar -xmopf "$6" -C "$stage"
  chmod 755 "$stage"
  [ -z "$4" ] || chown -hR -- "$4" "$stage"
  [ -z "$5" ] || chgrp -hR -- "$5" "$stage"
  sum=$(unpacked_digest "$stage")
  (umask 077 && printf '%s|%s\n' "$sum" "$3" >"$stage/.steward-unpacked")
  sync -f "$stage" 2>/dev/null || sync
  # what was there goes into what comes: cut off here, either the next run makes it anew, or a look finds too much in it
  case $now in
    absent) creates ;;
    *intact) mv -- "$1" "$stage/.steward-old" ;;
    *) archive "$1" ;;
  esac
  mv -- "$stage" "$1"
  rm -rf -- "$1/.steward-old"
  sync -f "${1%/*}" 2>/dev/null || sync
}

unpacked_retired() { # PATH destroy|""
  if [ ! -d "$1" ] || [ -L "$1" ]; then unchanged; fi
  case $2/$(unpacked_look "$1") in
    destroy/* | /there*intact) destroy "$1" ;;
    *) archive "$1" ;;
  esac
}
