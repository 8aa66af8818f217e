# The rollback: `rollback.sh watch|now|boot BASE`. It lies on the host as a file of its own, behind pending.sh, and needs
# nothing of the run that armed it. Killed at any point and run again, it does the rest: it only ever makes things as they
# were saved, and its marker goes last.

# Waits until the change is confirmed, or undoes it once it is overdue.
watch() {
  place=$BASE/pending
  [ -d "$place" ] || place=$BASE/rolling
  echo "$$ $(started_at $$)" >"$place/guard"
  seconds=$(cat "$place/seconds") stop=$(cat "$place/stopping")
  left=$seconds
  own=$(cat "$place/run")
  while is_of "$own" pending; do
    if run_is_over; then
      if [ -e "$BASE/pending/now" ] || [ "$left" -le 0 ]; then break; fi
    elif [ -e "$stop" ]; then
      # its step may take a while; but one that outlives its operator for long hangs
      [ "$left" -gt -300 ] || break
    else
      left=$seconds
    fi
    sleep 1
    left=$((left - 1))
  done
  # confirmed meanwhile, and even followed by another one: that has a guard of its own
  while is_of "$own" pending || is_of "$own" rolling; do
    undo || sleep 5
  done
}

is_of() { [ "$(cat "$BASE/$2/run" 2>/dev/null)" = "$1" ]; }

# Claims the change, unless a confirmation was faster, and restores what was.
undo() {
  if [ ! -d "$BASE/rolling" ]; then
    if ! run_is_over; then
      read -r pid since <"$BASE/pending/run"
      kill_all "$pid"
    fi
    mv -- "$BASE/pending" "$BASE/rolling" 2>/dev/null || return 0
    durably "$BASE"
  fi
  failed=
  each_saved path put_back
  each_saved mode mode_back
  each_saved keys keys_back
  sync
  each_saved unit unit_back
  if [ "$MODE" != boot ]; then
    each_saved nft nft_back
    each_saved ip ip_back
  fi
  [ -z "$failed" ] || return 1
  [ -s "$BASE/rolling/why" ] || printf '%s\n' "$WHY" >"$BASE/rolling/why"
  entry=$(cat "$BASE/rolling/state")/runs/$(cat "$BASE/rolling/id")
  if [ -f "$entry" ] && [ "$(tail -n 1 "$entry")" != 'over rolled-back' ]; then echo 'over rolled-back' >>"$entry"; fi
  rm -rf "$BASE/rolled-back" "$BASE/rolling/saved" "$BASE/rolling/applied" "$BASE/rolling/gone"
  mv -- "$BASE/rolling" "$BASE/rolled-back"
  durably "$BASE"
} 2>/dev/null

# A process and what it started.
kill_all() {
  kill -STOP "$1"
  cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\([0-9]*\) (.*) [A-Za-z] $1 .*/\1/p" | while read -r child; do
    kill_all "$child"
  done
  kill -KILL "$1"
}

# Calls the function with every thing of this type that was saved, and what it is to become again.
each_saved() { # TYPE FUNCTION
  for saved in "$BASE"/rolling/saved/*.path; do
    if [ ! -f "$saved" ] || [ "$(cat "${saved%.path}.type")" != "$1" ]; then continue; fi
    target=$(cat "$saved")
    ("$2" "${saved%.path}" "${target%.}") || failed=yes
  done
}

# A file, link or directory with all in it; what was not there is removed, but for what a package brought since.
put_back() { # SAVED TARGET
  if [ -L "$1" ]; then
    if [ -L "$2" ] && [ "$(readlink -- "$1")" = "$(readlink -- "$2")" ]; then return 0; fi
    changed
    rm -rf -- "$2" && cp -a -- "$1" "$2"
  elif [ -d "$1" ]; then
    if [ ! -d "$2" ] || [ -L "$2" ]; then
      changed
      rm -rf -- "$2"
      mkdir -p -- "$2" || return 1
    fi
    worked=0
    owner_and_mode "$1" "$2" || worked=1
    for entry in "$2"/* "$2"/.[!.]* "$2"/..?*; do
      if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
      [ -e "$1/${entry##*/}" ] || [ -L "$1/${entry##*/}" ] || remove_new "$entry" || worked=1
    done
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
      if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
      (put_back "$entry" "$2/${entry##*/}") || worked=1
    done
    return $worked
  elif [ -f "$1" ]; then
    if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s -- "$1" "$2"; then
      owner_and_mode "$1" "$2"
      return
    fi
    changed
    if [ -d "$2" ] && [ ! -L "$2" ]; then rm -rf -- "$2"; fi
    new=${2%/*}/.steward.rolled
    rm -rf -- "$new"
    # a second name for what was saved needs no room on a disk that is full
    ln -- "$1" "$new" || cp -a -- "$1" "$new" || return 1
    mv -f -- "$new" "$2"
  elif [ -e "$2" ] || [ -L "$2" ]; then
    remove_new "$2"
  fi
}

remove_new() {
  if [ ! -d "$1" ] && dpkg -S -- "$1" >/dev/null 2>&1; then return 0; fi
  changed
  rm -rf -- "$1"
}

owner_and_mode() { # SAVED TARGET
  wanted=$(stat -c '%u:%g %a' -- "$1")
  [ "$wanted" != "$(stat -c '%u:%g %a' -- "$2")" ] || return 0
  changed
  chown -h "${wanted% *}" -- "$2" && chmod "${wanted#* }" -- "$2"
}

# Whoever reads these files must read them again.
changed() { : >"$BASE/rolling/changed"; }

mode_back() {
  read -r uid gid mode <"$1"
  if [ ! -d "$2" ] || [ -L "$2" ]; then return 0; fi
  [ "$uid $gid $mode" != "$(stat -c '%u %g %a' -- "$2")" ] || return 0
  chown -h "$uid:$gid" -- "$2" && chmod "$mode" -- "$2"
}

keys_back() {
  owner=$(cat "$1/owner")
  [ -d "${2%/.ssh}" ] || return 0
  for name in authorized_keys authorized_keys2; do
    if [ ! -f "$1/$name" ]; then
      as_account "$owner" rm -f -- "$2/$name"
      continue
    fi
    if [ -d "$2" ] && [ ! -L "$2" ]; then chown -h "$owner" -- "$2"; fi
    as_account "$owner" sh -c '
      set -e
      umask 077
      [ -d "$1" ] || { rm -f -- "$1"; mkdir -- "$1"; }
      chmod go-w "$1"
      cd -- "$1"
      cat >.steward.rolled
      chmod "$3" .steward.rolled
      rm -rf -- "$2"
      mv -f .steward.rolled "$2"
    ' sh "$2" "$name" "$(cat "$1/$name.mode")" <"$1/$name" || return 1
  done
}

# Whether it runs and whether it starts at boot. At boot systemd has its jobs already: nothing is waited for, and a job
# that is not wanted is replaced.
unit_back() {
  was_loaded=$(property LoadState "$1") was_active=$(property ActiveState "$1") was_enabled=$(property UnitFileState "$1")
  if [ -z "$was_loaded" ] || [ ! -d /run/systemd/system ]; then return 0; fi
  if [ ! -e "$BASE/rolling/reloaded" ]; then
    systemctl daemon-reload
    : >"$BASE/rolling/reloaded"
  fi
  now=$(systemctl show -p LoadState -p UnitFileState -- "$2")
  case $was_loaded/$now in
    masked/*LoadState=masked*) ;;
    masked/*) systemctl mask -- "$2" ;;
    */*LoadState=masked*) systemctl unmask -- "$2" ;;
  esac
  case $was_enabled/$now in
    enabled/*UnitFileState=enabled*) ;;
    enabled/*) systemctl enable -- "$2" ;;
    disabled/*UnitFileState=enabled* | /*UnitFileState=enabled*) systemctl disable -- "$2" ;;
  esac
  [ "$was_enabled" = enabled ] || forget "$2"
  case $MODE/$was_active in
    # one that starts at boot has its job
    boot/active) [ "$was_enabled" = enabled ] || systemctl --no-block start -- "$2" ;;
    boot/*) [ "$was_loaded" = not-found ] || [ "$was_enabled" = enabled ] || systemctl --no-block stop -- "$2" ;;
    */active | */reloading | */activating)
      if ! systemctl is-active --quiet "$2"; then
        systemctl reset-failed -- "$2"
        { systemctl start -- "$2" || socket_back "$2"; } && paid "${2%.service}"
      elif [ -e "$BASE/rolling/changed" ]; then
        { systemctl reload-or-restart -- "$2" || systemctl restart -- "$2"; } && paid "${2%.service}"
      fi
      ;;
    *)
      systemctl stop -- "$2"
      [ "$was_active" = failed ] || systemctl reset-failed -- "$2"
      paid "${2%.service}"
      ;;
  esac
  # what does not start again is no reason to begin anew
  return 0
}

# systemd opens no socket whose service runs already; the next who connects starts it again.
socket_back() {
  case $1 in *.socket) ;; *) return 1 ;; esac
  for triggered in $(systemctl show -p Triggers --value -- "$1"); do systemctl stop -- "$triggered"; done
  systemctl start -- "$1"
}

# systemd does not disable a unit whose file is gone already.
forget() {
  for link in /etc/systemd/system/*.wants/"$1" /etc/systemd/system/*.requires/"$1"; do
    if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f -- "$link"; fi
  done
}

# It reads now what was restored, so it owes no reload.
paid() {
  state=$(cat "$BASE/rolling/state")
  rm -f "$state/debts/reload.service:$1" "$state/debts/restart.service:$1"
}

property() { sed -n "s/^$1=//p" "$2"; }

# The rules as they were, whoever had made them.
nft_back() { nft -f "$1" || :; }

# Addresses and routes that were there are there again; fixed addresses that are new on the same links are not.
ip_back() {
  ip -o address show | awk '$3 ~ /^inet/ && !/ dynamic/ && / scope global/ { print $4, $2 }' | while read -r address link; do
    grep -qx "link $link" "$1" || continue
    grep -qx "address $address $link" "$1" || ip address del "$address" dev "$link"
  done
  while read -r what rest; do
    # shellcheck disable=SC2086
    case $what in
      link) ip link set "$rest" up ;;
      address) ip address replace ${rest% *} dev ${rest##* } ;;
      route) ip route replace $rest ;;
    esac
  done <"$1"
  return 0
}

rollback_main() {
  MODE=$1 BASE=$2 LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  export LC_ALL PATH
  umask 077
  cd /
  case $MODE in
    watch)
      WHY="nobody confirmed it within $(cat "$BASE/pending/seconds" "$BASE/rolling/seconds" 2>/dev/null) s"
      watch
      ;;
    boot)
      WHY='the host started again before anybody confirmed it'
      undo || { sleep 2; undo; } || { sleep 5; undo; }
      ;;
    now)
      WHY='nobody was left who could confirm it'
      undo
      ;;
  esac
}
