# user_look NAME: sets U_UID, U_GID, U_HOME, U_KIND (of password) and U_EXPIRES; fails if there is no such account.
user_look() {
  found=$(awk -F: -v name="$1" '
    part == "passwd" && $1 == name { line = $3 ":" $4 ":" $6 }
    part == "shadow" && $1 == name { kind = $2 == "" ? "empty" : $2 ~ /^[*!]+$/ ? "none" : $2 ~ /^[!*]/ ? "locked" : "set"; expires = $8 }
    END { if (line == "") exit 1; print line ":" kind ":" expires }' part=passwd /etc/passwd part=shadow /etc/shadow) || return 1
  IFS=: read -r U_UID U_GID U_HOME U_KIND U_EXPIRES <<EOF
$found
EOF
}

# Supplementary groups, sorted, with commas.
user_groups() {
  awk -F: -v name="$1" -v gid="$U_GID" '
    $3 != gid { count = split($4, member, ","); for (i = 1; i <= count; i++) if (member[i] == name) { print $1; break } }
  ' /etc/group | sort | tr '\n' ',' | sed 's/,$//'
}

user_present() { # NAME SYSTEM KEYS? KEYS PASSWORD HASH COPY LEDGER EXPIRES GROUPS? GROUPS [OPTION VALUE]…
  name=$1 system=$2 has_keys=$3 keys=$4 password=$5 hash=$6 copy=$7 line=$8
  shift 8
  expires=$1 has_groups=$2 groups=$3
  shift 3
  did=
  if ! user_look "$name"; then
    creates
    keep_accounts
    user_add "$@"
    did=yes
    user_look "$name"
  elif [ "$U_EXPIRES" = 1 ]; then
    # closed, and opened again: it is closed once it is no longer declared
    creates
  fi
  user_modify "$@"
  if [ "$system" = no ] && [ ! -d "$U_HOME" ]; then
    if [ "$U_UID" -ge 1000 ] || user_is_given -d "$@"; then user_home; fi
  fi
  if [ "$has_keys" = yes ] && ! user_has_keys "$keys"; then
    user_keys "$keys"
    did=yes
  fi
  [ "$password" != hash ] || user_password
  [ -n "$did" ] || unchanged
}

# user_is_given OPTION [OPTION VALUE]…
user_is_given() {
  sought=$1
  shift
  while [ $# -gt 0 ]; do
    [ "$1" != "$sought" ] || return 0
    shift 2
  done
  return 1
}

user_add() {
  own=-U
  ! grep -q "^$name:" /etc/group || own="-g $name"
  ! user_is_given -g "$@" || own=
  shell=/bin/bash
  [ "$system" = no ] || shell=/usr/sbin/nologin
  if user_is_given -s "$@" || [ ! -x "$shell" ]; then shell=; fi
  # shellcheck disable=SC2086
  set -- "$@" $own
  [ -z "$shell" ] || set -- "$@" -s "$shell"
  if [ "$system" = yes ]; then set -- "$@" -r -M; else set -- "$@" -m; fi
  useradd -p '*' "$@" -- "$name"
}

# Options of usermod for what differs.
user_modify() {
  number=$#
  while [ "$number" -gt 0 ]; do
    option=$1 value=$2
    shift 2
    number=$((number - 2))
    case $option in
      -u) column=3 ;;
      -g) column=4 ;;
      -c) column=5 ;;
      -d) column=6 ;;
      -s) column=7 ;;
    esac
    now=$(awk -F: -v name="$name" -v column="$column" '$1 == name { print $column; exit }' /etc/passwd)
    wanted=$value
    [ "$option" != -g ] || wanted=$(awk -F: -v group="$value" '$1 == group || $3 == group { print $3; exit }' /etc/group)
    [ "$now" = "$wanted" ] || set -- "$@" "$option" "$value"
  done
  if [ "$has_groups" = yes ] && [ "$(user_groups "$name")" != "$groups" ]; then set -- "$@" -G "$groups"; fi
  case $password/$U_KIND in
    none/none | locked/none | locked/locked | hash/* | /*) ;;
    none/*) set -- "$@" -p '*' ;;
    locked/*) set -- "$@" -L ;;
  esac
  if [ "$expires" != "$(user_day "$U_EXPIRES")" ]; then set -- "$@" -e "$expires"; fi
  [ $# -gt 0 ] || return 0
  keep_accounts
  usermod "$@" -- "$name"
  did=yes
  user_look "$name"
}

# By a pipe: hashes are for nobody's list of processes.
user_password() {
  wanted=$(cat -- "$hash")
  case $wanted in
    *[!./0-9A-Za-z\$=,+-]*) form=no ;;
    \$*\$*\$*) form=yes ;;
    *) form=no ;;
  esac
  if [ "$form" = no ] || [ "$(wc -l <"$hash")" -ne 0 ]; then
    echo "the secret for the password of $name is no hash in the form of crypt(5); \`generate\` it with \`form: sha512crypt\`"
    exit 1
  fi
  if [ "$(awk -F: -v name="$name" '$1 == name { print $2; exit }' /etc/shadow)" != "$wanted" ]; then
    keep_accounts
    printf '%s:%s\n' "$name" "$wanted" | chpasswd -e
    did=yes
  fi
  seal "$hash" "$copy" "$line"
}

# A number of days since 1970 as a day.
user_day() {
  [ -z "$1" ] || date -u -d "@$(($1 * 86400))" +%Y-%m-%d
}

user_home() {
  case $U_HOME in /*/* | /[!/]*) ;; *) return 0 ;; esac
  if [ -e "$U_HOME" ] || [ -L "$U_HOME" ]; then
    echo "$U_HOME, the home directory of $name, is there but no directory"
    exit 1
  fi
  mkdir -p -- "${U_HOME%/*}"
  new=$U_HOME.steward-new
  rm -rf -- "$new"
  if [ -d /etc/skel ]; then cp -RP -- /etc/skel "$new"; else mkdir -- "$new"; fi
  chown -Rh "$U_UID:$U_GID" -- "$new"
  chmod 700 -- "$new"
  mv -- "$new" "$U_HOME"
  did=yes
}

# Keys without what sshd passes over.
user_key_lines() { sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^#/d' -e '/^$/d' | sort -u; }

user_has_keys() { # FILE
  ssh=$U_HOME/.ssh
  [ ! -L "$ssh" ] || return 1
  [ -d "$ssh" ] || [ ! -e "$ssh" ] || return 1
  for file in authorized_keys authorized_keys2; do
    [ ! -L "$ssh/$file" ] || return 1
    [ -f "$ssh/$file" ] || [ ! -e "$ssh/$file" ] || return 1
  done
  wanted=$(user_key_lines <"$1")
  now=$(cat -- "$ssh/authorized_keys" "$ssh/authorized_keys2" 2>/dev/null | user_key_lines)
  [ "$now" = "$wanted" ] || return 1
  [ -n "$wanted" ] || return 0
  [ -z "$(find "$ssh" "$ssh/authorized_keys" -prune \( -perm -020 -o -perm -002 -o ! \( -user "$U_UID" -o -user root \) \))" ]
}

# Everything below the home directory is done with the rights of the account: whatever links its owner has made there,
# they lead to nothing that he could not write himself.
user_keys() { # FILE
  ssh=$U_HOME/.ssh
  if [ ! -d "$U_HOME" ]; then
    echo "$U_HOME, the home directory of $name, is not there; its keys have no place"
    exit 1
  fi
  if [ -L "$ssh" ] || { [ -e "$ssh" ] && [ ! -d "$ssh" ]; }; then rm -f -- "$ssh"; fi
  if [ -d "$ssh" ]; then
    keep "$ssh/authorized_keys"
    keep "$ssh/authorized_keys2"
    chown -h "$U_UID:$U_GID" -- "$ssh"
  fi
  as_account "$name" sh -c '
    set -eu
    umask 077
    cd -- "$1"
    [ -d .ssh ] || mkdir .ssh
    chmod 700 .ssh
    cd .ssh
    rm -f .steward.??????
    new=$(mktemp .steward.XXXXXX)
    cat >"$new"
    sync -- "$new" 2>/dev/null || sync
    [ ! -d authorized_keys ] || [ -L authorized_keys ] || mv authorized_keys "authorized_keys.$$.directory"
    mv -f -- "$new" authorized_keys
    rm -f authorized_keys2
  ' sh "$U_HOME" <"$1"
}

user_is_in_use() {
  for login in "${SUDO_USER:-}" "${DOAS_USER:-}" "${LOGNAME:-}" "$(logname 2>/dev/null || :)"; do
    [ "$login" != "$1" ] || return 0
  done
  return 1
}

user_absent() { # NAME
  name=$1
  user_look "$name" || unchanged
  groups=$(user_groups "$name")
  none=$RUN/no-keys
  : >"$none"
  closed=
  case $U_KIND in none | locked) [ "$U_EXPIRES" != 1 ] || [ -n "$groups" ] || closed=yes ;; esac
  if [ -n "$closed" ] && { [ ! -d "$U_HOME" ] || user_has_keys "$none"; }; then unchanged; fi
  if user_is_in_use "$name"; then
    echo "$name is the account that this is done with; let another one close it"
    exit 1
  fi
  if [ -z "$closed" ]; then
    keep_accounts
    usermod -L -e 1 -G '' -- "$name"
  fi
  [ ! -d "$U_HOME" ] || user_has_keys "$none" || user_keys "$none"
}
