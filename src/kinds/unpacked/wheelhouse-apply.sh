# The new environment is made beside its place, and the link moved to it once all of it works.

wheelhouse_present() { # PATH STAMP PYTHON LOCK TAR
  now=$(wheelhouse_look "$1")
  case $now in
    "there|$2|intact") unchanged ;;
    'other|'*)
      echo "$1 is there and is not a virtual environment that Steward made; remove it by hand"
      exit 1
      ;;
  esac
  parent "$1" ''
  if ! command -v "python$3" >/dev/null 2>&1; then
    echo "there is no python$3 here; say another version, or install it before this"
    exit 1
  fi
  if ! "python$3" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    echo "this python$3 cannot make virtual environments; install the package python3-venv before this"
    exit 1
  fi
  home=$1.$(printf %s "$2" | cut -c 1-12)
  # broken, or left by a run that was killed
  rm -rf -- "$home"
  umask 022
  wheels=$(mktemp -d "$STAGE/wheels.XXXXXX")
  trap 'rm -rf -- "$wheels"; [ -n "${made:-}" ] || rm -rf -- "$home"' EXIT
  made=
  tar -xmopf "$5" -C "$wheels"
  cp -- "$4" "$wheels/lock.txt"
  "python$3" -m venv "$home"
  export PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
  "$home/bin/python" -m pip install --quiet --no-cache-dir --no-index --no-deps --require-hashes --only-binary=:all: \
    --find-links "$wheels" --requirement "$wheels/lock.txt"
  if ! "$home/bin/python" -m pip check; then
    echo 'the lock does not name all that its packages need'
    exit 1
  fi
  sum=$(unpacked_digest "$home")
  (umask 077 && printf '%s|%s\n' "$sum" "$2" >"$home/.steward-unpacked")
  sync -f "$home" 2>/dev/null || sync
  [ "$now" != absent ] || creates
  rm -rf -- "${1%/*}"/.steward.??????
  link=$(mktemp -u -- "${1%/*}/.steward.XXXXXX")
  ln -s -- "${home##*/}" "$link"
  made=yes
  replace "$link" "$1"
  for old in "$1".????????????; do
    [ "$old" = "$home" ] || [ ! -e "$old/.steward-unpacked" ] || rm -rf -- "$old"
  done
}

wheelhouse_retired() { # PATH destroy|""
  now=$(wheelhouse_look "$1")
  case $now in absent | other*) unchanged ;; esac
  home=${1%/*}/$(readlink -- "$1")
  rm -f -- "$1"
  [ -d "$home" ] || return 0
  case $2/$now in
    destroy/* | /there*intact) destroy "$home" ;;
    *) archive "$home" ;;
  esac
}
