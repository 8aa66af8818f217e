# Commit-confirm, as a change has it: what may lock everybody out is done only after what it may close was saved, on
# disk, and somebody is there who restores it without a confirmation: a process of its own until the deadline, and a
# unit that runs at boot before SSH, the network and the firewall. See pending.sh for the marker, rollback.sh for them.

# confirm_with PROGRAM SECONDS: the rollback's own program, and how long a confirmation may take.
confirm_with() { ROLLBACK=$1 CONFIRM_WITHIN=$2; }

# guarded COUNT WORD… FUNCTION ARGUMENT…: calls the function once everything that the words name is saved.
guarded() {
  words=$1
  shift
  arm
  while [ "$words" -gt 0 ]; do
    lifeline "$1"
    shift
    words=$((words - 1))
  done
  durably "$BASE"
  # not as part of a condition, where its `set -e` would not count
  set +e
  (
    set -eu
    "$@"
  )
  code=$?
  [ $code = 90 ] || : >"$RUN/touched"
  case $code in 0 | 90) ;; *) : >"$RUN/broken" ;; esac
  if [ $code = 0 ] && ! sudo_stays_valid; then
    restore "$STEP"
    exit 1
  fi
  exit $code
}

# What sudo cannot read counts at once, so it is taken back at once.
sudo_stays_valid() {
  [ -e "$RUN/valid.sudo" ] || return 0
  ! visudo -c >"$RUN/visudo" 2>&1 || return 0
  echo 'sudo would not work any more, so the previous files were restored; visudo says:'
  grep -v 'parsed OK$' "$RUN/visudo"
  return 1
}

# Makes the marker, and somebody who acts on it; once a run.
arm() {
  if is_pending "$ID"; then return 0; fi
  rm -rf "$BASE/pending.new"
  mkdir -m 700 "$BASE/pending.new" "$BASE/pending.new/saved"
  printf '%s\n' "$ID" >"$BASE/pending.new/id"
  head -n 1 "$BASE/holder" >"$BASE/pending.new/holder"
  printf '%s\n' "$CONFIRM_WITHIN" >"$BASE/pending.new/seconds"
  printf '%s\n' "$STATE" >"$BASE/pending.new/state"
  printf '%s\n' "$RUN/stop" >"$BASE/pending.new/stopping"
  echo "$$ $(started_at $$)" >"$BASE/pending.new/run"
  cat -- "$ROLLBACK" >"$BASE/rollback.new"
  mv -f -- "$BASE/rollback.new" "$BASE/rollback.sh"
  at_boot
  durably "$BASE"
  mv -- "$BASE/pending.new" "$BASE/pending"
  durably "$BASE"
  rm -rf "$BASE/rolled-back"
  stand_guard
}

# A unit that does nothing while nothing is pending, and stays. systemd reads it at the next boot.
at_boot() {
  [ -d /run/systemd/system ] || return 0
  unit=/etc/systemd/system/steward-rollback.service
  wants=/etc/systemd/system/sysinit.target.wants
  if [ ! -L "$wants/steward-rollback.service" ] || ! boot_unit | cmp -s - "$unit"; then
    mkdir -p "$wants"
    boot_unit >"$unit.new"
    chmod 644 "$unit.new"
    mv -f -- "$unit.new" "$unit"
    [ -L "$wants/steward-rollback.service" ] || ln -sf ../steward-rollback.service "$wants/steward-rollback.service"
    durably "$wants"
  fi
}

boot_unit() {
  cat <<'EOF'
[Unit]
Description=Undo a change by Steward that nobody confirmed
DefaultDependencies=no
ConditionPathExists=|/var/lib/steward/pending
ConditionPathExists=|/var/lib/steward/rolling
RequiresMountsFor=/var/lib/steward /etc
After=local-fs.target systemd-remount-fs.service
Before=network-pre.target networking.service systemd-networkd.service NetworkManager.service
Before=nftables.service ufw.service firewalld.service netfilter-persistent.service
Before=ssh.service sshd.service ssh.socket sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/steward/rollback.sh boot /var/lib/steward
TimeoutStartSec=180

[Install]
WantedBy=sysinit.target
EOF
}

# Outside this session, which may end with the network or with SSH. Without it, nothing is changed.
stand_guard() {
  if ! guard_by_systemd; then
    detached=
    ! command -v setsid >/dev/null || detached=setsid
    (trap '' HUP && exec $detached sh "$BASE/rollback.sh" watch "$BASE") </dev/null >/dev/null 2>&1 &
  fi
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ! alive "$BASE/pending/guard" || return 0
    sleep 0.1 2>/dev/null || sleep 1
  done
  echo 'nobody could be left here who would undo the change, so nothing was changed'
  exit 1
}

guard_by_systemd() {
  [ -d /run/systemd/system ] || return 1
  systemd-run --quiet --collect --unit="steward-guard-$ID-$$" --property=Restart=on-failure --property=RestartSec=1 \
    --description='Undo a change by Steward unless it is confirmed' /bin/sh "$BASE/rollback.sh" watch "$BASE"
}

# Saves what one word names, unless that was done.
lifeline() {
  if grep -qxF -- "$1" "$BASE/pending/words" 2>/dev/null; then return 0; fi
  case $1 in
    area:*) save_area "${1#area:}" ;;
    path:*) save_path "${1#path:}" ;;
    unit:*) save_unit "${1#unit:}" ;;
    keys:*) save_keys "${1#keys:}" ;;
    mode:*) save_mode "${1#mode:}" ;;
    account:*) save_account "${1#account:}" ;;
  esac
  printf '%s\n' "$1" >>"$BASE/pending/words"
}

# Sets SAVED, where the next thing goes; `saved TYPE OF` makes it count.
next_saved() {
  number=$(($(cat "$BASE/pending/count" 2>/dev/null || echo 0) + 1))
  echo "$number" >"$BASE/pending/count"
  SAVED=$BASE/pending/saved/$number
}

saved() {
  printf '%s' "$1" >"$SAVED.type"
  printf '%s.' "$2" >"$SAVED.path"
}

unsaved() {
  echo "what $1 is now could not be saved, so nothing was changed; is there room in $BASE?"
  exit 1
}

save_path() {
  next_saved
  if [ -e "$1" ] || [ -L "$1" ]; then cp -a -- "$1" "$SAVED" || unsaved "$1"; fi
  saved path "$1"
}

save_mode() {
  if [ ! -d "$1" ] || [ -L "$1" ]; then return 0; fi
  next_saved
  stat -c '%u %g %a' -- "$1" >"$SAVED" || unsaved "$1"
  saved mode "$1"
}

save_account() {
  home=$(awk -F: -v name="$1" '$1 == name { print $6; exit }' /etc/passwd)
  case $home in /[!/]*) ;; *) return 0 ;; esac
  save_mode "$home"
  save_keys "$home/.ssh"
}

# Read, and later written, with the rights of the account: its links lead to nothing that it cannot do itself.
save_keys() {
  owner=$(stat -c %U -- "${1%/.ssh}" 2>/dev/null) || return 0
  next_saved
  mkdir -m 700 "$SAVED"
  printf '%s' "$owner" >"$SAVED/owner"
  for name in authorized_keys authorized_keys2; do
    as_account "$owner" test -f "$1/$name" || continue
    as_account "$owner" cat -- "$1/$name" >"$SAVED/$name" || unsaved "$1/$name"
    stat -L -c %a -- "$1/$name" >"$SAVED/$name.mode"
  done
  saved keys "$1"
}

save_unit() {
  [ -d /run/systemd/system ] || return 0
  next_saved
  systemctl show -p LoadState -p ActiveState -p UnitFileState -- "$1" >"$SAVED" || unsaved "$1"
  saved unit "$1"
}

# What lives in the kernel, and what was valid before.
save_area() {
  case $1 in
    sudo) ! visudo -c >/dev/null 2>&1 || : >"$RUN/valid.sudo" ;;
    ssh) ! { mkdir -p /run/sshd && sshd -t; } >/dev/null 2>&1 || : >"$RUN/valid.ssh" ;;
    firewall)
      ! nft -c -f /etc/nftables.conf >/dev/null 2>&1 || : >"$RUN/valid.firewall"
      next_saved
      rules=$(nft -s list ruleset 2>/dev/null) || return 0
      printf 'flush ruleset\n%s\n' "$rules" >"$SAVED"
      saved nft ruleset
      ;;
    network)
      next_saved
      {
        ip -o link show up | awk -F': ' '{ sub(/@.*/, "", $2); print "link", $2 }'
        ip -o address show | awk '$3 ~ /^inet/ { print "address", $4, $2 }'
        ip route show | sed 's/^/route /'
      } >"$SAVED" 2>/dev/null || return 0
      saved ip network
      ;;
  esac
}

# In the end of a run. What did not change anything need not be confirmed; what is not valid is undone at once.
confirm_finish() {
  if [ -z "${ID:-}" ] || ! is_pending "$ID"; then return 0; fi
  if [ ! -e "$RUN/touched" ]; then
    confirmed || :
    return 0
  fi
  why=$(invalid)
  if [ -n "$why" ]; then
    printf '%s\n' "$why" >"$BASE/pending/why"
    : >"$BASE/pending/now"
  fi
  : >"$BASE/pending/over"
  durably "$BASE"
  emit "pending $CONFIRM_WITHIN"
}

# Why what was valid is not any more, or what ran does not since a step failed, on one line.
invalid() {
  if [ -e "$RUN/valid.ssh" ]; then
    why=$(sshd -t 2>&1) || { echo "sshd -t says: $why" | tr '\n' ' '; return 0; }
  fi
  if [ -e "$RUN/valid.firewall" ]; then
    why=$(nft -c -f /etc/nftables.conf 2>&1) || { echo "nft -c -f /etc/nftables.conf says: $why" | tr '\n' ' '; return 0; }
  fi
  [ ! -e "$RUN/broken" ] || stopped_unit
}

# The open connection may outlive it, and a new one may still reach what the next boot does not start.
stopped_unit() {
  for type in "$BASE"/pending/saved/*.type; do
    if [ "$(cat "$type" 2>/dev/null)" != unit ] || ! grep -qx ActiveState=active "${type%.type}"; then continue; fi
    unit=$(cat "${type%.type}.path")
    unit=${unit%.}
    case $(systemctl show -p ActiveState --value -- "$unit") in
      inactive | failed) echo "$unit ran before, and does not any more"; return 0 ;;
    esac
  done
}

# With the lock held: whether a change may begin now; otherwise the lock is given back. A change that nobody waits for any
# more is undone first.
nothing_pending() {
  if [ ! -d "$BASE/pending" ] && [ ! -d "$BASE/rolling" ]; then return 0; fi
  if ! alive "$BASE/pending/guard" && ! alive "$BASE/rolling/guard"; then
    sh "$BASE/rollback.sh" now "$BASE" >/dev/null 2>&1 9>&-
    if [ ! -d "$BASE/pending" ] && [ ! -d "$BASE/rolling" ]; then return 0; fi
  fi
  exec 9>&-
  rm -rf "$BASE/lock.d"
  return 1
}

# Who is to be waited for, for people.
in_the_way() {
  if { [ -d "$BASE/pending" ] || [ -d "$BASE/rolling" ]; } && run_is_over; then
    cat "$BASE/pending/holder" "$BASE/rolling/holder" 2>/dev/null | head -n 1 | tr -d '\n'
    echo '; that change is not confirmed yet, and the host undoes it by itself unless it is'
  else
    head -n 1 "$BASE/holder" 2>/dev/null
  fi
}
