# Installs what a reader key needs, and takes it away again. Run as root by `host reader` and at the end of an apply.

# reader_install ACCOUNT HOME PROGRAM TEXT SUDOERS TEXT KEYS STATE READABLE: the door is opened last. READABLE, empty: no list.
reader_install() {
  account=$1 home=$2 program=$3 text=$4 sudoers=$5 right=$6 keys=$7 state=$8 readable=$9
  umask 022
  reader_needs visudo sudo
  reader_account "$account" "$home"
  reader_directory "${program%/*}"
  reader_file "$program" 755 "$text"
  reader_right "$sudoers" "$right"
  if [ -n "$readable" ]; then
    # shellcheck disable=SC2174
    mkdir -p -m 700 "${state%/*}" "$state"
    reader_file "$state/readable" 600 "$readable"
  else
    rm -f -- "$state/readable"
  fi
  reader_directory "$home"
  reader_directory "$home/.ssh"
  reader_file "$home/.ssh/authorized_keys" 644 "$keys"
  sync
}

reader_fails() {
  printf '%s\n' "$*" >&2
  exit 1
}

reader_needs() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null 2>&1 || reader_fails "there is no $tool on the host; install sudo there first"
  done
}

# A system account that nothing but a key of Steward's own file opens.
reader_account() { # ACCOUNT HOME
  line=$(grep "^$1:" /etc/passwd || :)
  if [ -z "$line" ]; then
    if command -v useradd >/dev/null 2>&1; then
      useradd --system --user-group --home-dir "$2" --no-create-home --shell /bin/sh --comment 'Steward reader keys' "$1"
    else
      adduser -S -D -H -h "$2" -s /bin/sh -g 'Steward reader keys' "$1"
    fi
    line=$(grep "^$1:" /etc/passwd)
  fi
  case $line in
    "$1:"*:0:*:*:*:*) reader_fails "the account $1 has the number of root; look at it" ;;
    "$1:"*":$2:/bin/sh") ;;
    *) reader_fails "there is another account $1, with another home or shell; rename or remove it first" ;;
  esac
  of=$(awk -F: -v name="$1" '{ many = split($4, member, ","); for (i = 1; i <= many; i++) if (member[i] == name) print $1 }' /etc/group)
  [ -z "$of" ] || reader_fails "the account $1 is in the groups $(echo "$of" | tr '\n' ' '); take it out of them first"
  # no password fits, and yet sshd does not take it for locked
  if command -v usermod >/dev/null 2>&1; then usermod -p '*' -- "$1"; else printf '%s:*\n' "$1" | chpasswd -e; fi
}

reader_directory() {
  [ ! -L "$1" ] || reader_fails "$1 is a symbolic link; remove it first"
  mkdir -p -- "$1"
  chown 0:0 -- "$1"
  chmod 755 -- "$1"
}

reader_file() { # PATH MODE TEXT
  if [ -d "$1" ] && [ ! -L "$1" ]; then reader_fails "$1 is a directory; remove it first"; fi
  temporary=$(mktemp "${1%/*}/.steward.XXXXXX")
  printf '%s' "$3" >"$temporary"
  chown 0:0 -- "$temporary"
  chmod "$2" -- "$temporary"
  mv -f -- "$temporary" "$1"
}

# sudo passes over names with a point in them: nothing counts before it was found good.
reader_right() { # PATH TEXT
  new=${1%/*}/.steward.reader
  rm -f -- "$new"
  (umask 337 && printf '%s' "$2" >"$new")
  chown 0:0 -- "$new"
  if ! said=$(visudo -c -f "$new" 2>&1); then
    rm -f -- "$new"
    reader_fails "visudo does not take the line: $said"
  fi
  mv -f -- "$new" "$1"
  if ! said=$(visudo -c 2>&1); then
    rm -f -- "$1"
    reader_fails "visudo is not content with sudoers as a whole, so the line was taken back: $said"
  fi
}

reader_remove() { # ACCOUNT HOME PROGRAM SUDOERS BASE
  rm -f -- "$2/.ssh/authorized_keys" "$4" "$3" "$5"/*/readable
  for left in "$2/.ssh" "$2" "${3%/*}"; do [ ! -d "$left" ] || rmdir -- "$left" 2>/dev/null || :; done
  if grep -q "^$1:[^:]*:[^:]*:[^:]*:[^:]*:$2:" /etc/passwd; then
    if command -v userdel >/dev/null 2>&1; then userdel -- "$1" || :; else deluser "$1" || :; fi
  fi
  sync
}

# Runs a function and frames how it ended.
reader_framed() {
  if said=$( (set -eu; "$@") 2>&1 </dev/null); then word=good; else word=failed; fi
  printf '\n@%s begin %s\n%s\n@%s end %s\n\n@%s done\n' "$NONCE" "$word" "$said" "$NONCE" "$word" "$NONCE"
}
