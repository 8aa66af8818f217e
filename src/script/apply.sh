# What every change of a host may use. Constant; the generated part that follows only calls these functions, and the
# kinds' own, with quoted arguments.
#
# Standard input: the payloads, then one line "beat" every few seconds, "stop", or the end of file. Standard output:
# records "@NONCE …". What the called functions print goes to neither: it is kept and sent only when one fails.
#
# A kind's function runs in a subshell with `set -eu`, nothing on standard input. It may use
#   unchanged            nothing had to be done (ends the function)
#   keep PATH            save what is there before replacing or removing it, so that it can be restored
#   keep_accounts        the same for passwd, shadow, group and gshadow
#   parent PATH MAKE     fails, with a remedy, unless the directory of PATH exists; MAKE, not empty: makes it
#   vacant PATH KIND     fails, with a remedy, if a directory, device, pipe or socket is in the place of a KIND
#   editable PATH CREATE PARENTS     fails, with a remedy, unless PATH is a regular file; CREATE, not empty: makes it
#   put FILE PATH        make the regular file PATH hold what FILE holds, if it does not, as its owner's and with its mode
#   stage_beside PATH    make a private temporary file in the same directory, TEMP, with the owner and mode that PATH has
#                        now; it is removed if the function ends without `replace`
#   replace TEMP PATH    move a finished temporary file into place, durably
#   set_owner_mode PATH OWNER GROUP MODE     change what differs; empty: leave as it is. Fails, 1, if nothing differed
#   creates              right before it makes what was not there: only that will ever be taken away again
#   archive PATH         move it away, to a place of the host that only root can read; `destroy` deletes a directory
#   news TEXT            tell the operator, a few seconds later if the function takes long: what it waits for, what it mends
#   note LINE            write a line to the ledger: what was done, for later looks
#   afterwards LINE      the same once the run ends and what this step took away was not put back
#   seal PATH COPY LINE  note a file with secrets, by its digest under this host's keys, with a copy without the secrets;
#                        its previous content is kept only until the run ends
#   started              this unit was just (re)started, so reloading or restarting it is no longer owed
#   systemd_reload       daemon-reload if a unit file changed since the last one
#   $STATE, $RUN         Steward's records; this run's private directory

unchanged() { exit 90; }

news() { printf '%s\n' "$1" >"$RUN/news.new" && mv -f -- "$RUN/news.new" "$RUN/news"; }

# tell_news WHO: sends it, once; WHO keeps the two that may do so apart.
tell_news() { if mv -f -- "$RUN/news" "$RUN/told.$1" 2>/dev/null; then emit "news $(head -c 1000 "$RUN/told.$1" | base64 | tr -d '\n')"; fi; }

keep() {
  keep_as
  if [ -L "$1" ] || [ -f "$1" ]; then cp -pP -- "$1" "$KEPT"; fi
  printf '%s.' "$1" >"$KEPT.path"
}

# Sets KEPT, where the next previous content of this step goes. KEPT.path says of what, with a point after it;
# for a directory, KEPT.undo lists what is removed from it before what is in KEPT goes back, NUL after each name.
keep_as() {
  # $STATE is there already
  # shellcheck disable=SC2174
  [ -d "$STATE/previous/$ID" ] || mkdir -p -m 700 "$STATE/previous" "$STATE/previous/$ID"
  number=1
  while [ -e "$STATE/previous/$ID/$STEP.$number.path" ]; do number=$((number + 1)); done
  KEPT=$STATE/previous/$ID/$STEP.$number
  enter "kept $STEP.$number"
}

# The files of local accounts, once a run.
keep_accounts() {
  [ ! -e "$RUN/accounts" ] || return 0
  for path in passwd shadow group gshadow; do [ ! -e "/etc/$path" ] || keep "/etc/$path"; done
  : >"$RUN/accounts"
}

# Puts back what a step of this run replaced; what it created is removed.
restore() {
  rm -f "$RUN/retired.$1"
  for path in "$STATE/previous/$ID/$1".*.path; do
    [ -s "${path%.path}.undo" ] || continue
    target=$(cat "$path")
    (cd "${target%.}" && xargs -0 rm -rf -- <"${path%.path}.undo")
  done
  for path in "$STATE/previous/$ID/$1".*.path; do
    [ -f "$path" ] || continue
    saved=${path%.path}
    target=$(cat "$path")
    target=${target%.}
    if [ -d "$saved" ] && [ ! -L "$saved" ]; then
      cp -pPR -- "$saved/." "$target/"
    elif [ -L "$saved" ] || [ -f "$saved" ]; then
      cp -pP -- "$saved" "$target.steward-$ID" && mv -f -- "$target.steward-$ID" "$target"
    else
      rm -f -- "$target"
    fi
  done
}

parent() {
  [ ! -d "${1%/*}/" ] || return 0
  [ -z "$2" ] || ! mkdir -p -- "${1%/*}" || return 0
  echo "the directory ${1%/*} does not exist; declare it, or install what brings it, before this"
  exit 1
}

vacant() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    echo "$1 is a directory; remove it by hand if a $2 shall take its place"
    exit 1
  fi
  if [ -e "$1" ] && [ ! -f "$1" ] && [ ! -L "$1" ]; then
    echo "$1 is a device, a pipe or a socket; remove it by hand if a $2 shall take its place"
    exit 1
  fi
}

editable() {
  if [ -L "$1" ]; then
    echo "$1 is a symbolic link; name the file that it leads to"
    exit 1
  fi
  vacant "$1" file
  [ ! -e "$1" ] || return 0
  if [ -z "$2" ]; then
    echo "$1 does not exist; say \`create: true\`, or install what brings it, before this"
    exit 1
  fi
  parent "$1" "$3"
  (umask 022 && : >>"$1")
}

put() {
  ! cmp -s -- "$1" "$2" || unchanged
  stage_beside "$2"
  cat -- "$1" >"$TEMP"
  keep "$2"
  replace "$TEMP" "$2"
}

replace() {
  left "$1"
  [ -L "$1" ] || sync -- "$1" 2>/dev/null || sync
  if [ -L "$2" ] && [ -d "$2" ]; then
    # without -T it would be moved into the directory that the link leads to
    mv -fT -- "$1" "$2" 2>/dev/null || { rm -f -- "$2" && mv -f -- "$1" "$2"; }
  else
    # busybox cannot move to where a link leads to itself
    if [ -L "$2" ] && [ ! -e "$2" ]; then rm -f -- "$2"; fi
    mv -f -- "$1" "$2"
  fi
  case $2 in */systemd/system/* | */systemd/system.control/*) : >"$RUN/units" ;; esac
}

set_owner_mode() {
  now=$(stat -c '%U %u %G %g %a' -- "$1") || exit 1
  differed=1
  # shellcheck disable=SC2086
  set -- "$1" "$2" "$3" "$4" $now
  if [ -n "$2" ] && [ "$2" != "$5" ] && [ "$2" != "$6" ]; then chown -h -- "$2" "$1" || exit 1; differed=0; fi
  if [ -n "$3" ] && [ "$3" != "$7" ] && [ "$3" != "$8" ]; then chgrp -h -- "$3" "$1" || exit 1; differed=0; fi
  # changing the owner may have cleared the set-id bits
  if [ -n "$4" ] && { [ "$((0$4))" -ne "$((0$9))" ] || [ $differed = 0 ]; }; then chmod -- "$4" "$1" || exit 1; differed=0; fi
  return $differed
}

stage_beside() {
  # the lock is held, so whatever has such a name was left by a run that was killed
  rm -rf -- "${1%/*}"/.steward.??????
  TEMP=$(mktemp -- "${1%/*}/.steward.XXXXXX") || exit 1
  trap 'rm -f -- "$TEMP"' EXIT
  if [ -f "$1" ] && [ ! -L "$1" ]; then
    set_owner_mode "$TEMP" "$(stat -c %u -- "$1")" "$(stat -c %g -- "$1")" "$(stat -c %a -- "$1")" || :
  else
    chmod 644 "$TEMP"
  fi
}

note() {
  printf '%s\n' "$1" >>"$STATE/ledger"
  : >"$RUN/noted"
}

seal() {
  if [ ! -e "$STATE/key.inner" ]; then
    for key in outer inner; do
      (umask 077 && dd if=/dev/urandom of="$STATE/key.new" bs=64 count=1 2>/dev/null && mv -f -- "$STATE/key.new" "$STATE/key.$key")
    done
  fi
  SEALED=yes
  line="S|$3|$(keyed "$STATE" "$1")"
  copy=$(printf %s "${3%%|*}" | sha256sum)
  copy=$STATE/redacted/${copy%% *}
  if cmp -s -- "$2" "$copy" && grep -qxF -- "$line" "$STATE/ledger"; then return 0; fi
  # shellcheck disable=SC2174
  mkdir -p -m 700 "$STATE/redacted"
  cp -- "$2" "$copy.new"
  mv -f -- "$copy.new" "$copy"
  note "$line"
}

# What was kept of files with secrets, so that a failed validation could restore them, is not kept beyond the run.
shred_kept() {
  [ -e "$STATE/shred" ] || return 0
  while IFS= read -r kept; do
    case $kept in "$STATE"/previous/*) ;; *) continue ;; esac
    if [ ! -f "$kept" ] || [ -L "$kept" ]; then continue; fi
    # that there was something must not be forgotten with it
    : >"$kept.shredded"
    shred -u -- "$kept" 2>/dev/null || rm -f -- "$kept"
  done <"$STATE/shred"
  rm -f -- "$STATE/shred"
}

started() { for reaction in $OWN; do rm -f "$RUN/owe.$reaction"; done; }

systemd_reload() {
  [ -e "$RUN/units" ] || return 0
  systemctl daemon-reload
  rm -f "$RUN/units"
}

# ---- the run itself

# begin BASE INVENTORY ID HOLDER WAIT REVISION: takes the host's lock, or says who has it. Each inventory keeps its own records.
begin() {
  BASE=$1 STATE=$1/$2 ID=$3 holder=$4 wait=$5 REVISION=$6
  trap '' PIPE HUP
  exec 3<&0 4>&1 </dev/null
  if ! mkdir -p "$STATE" || ! chmod 700 "$BASE" "$STATE"; then
    emit "refused $(echo "cannot write to $STATE" | base64 | tr -d '\n')"
    exit 0
  fi
  waited=0
  until take_lock && nothing_pending; do
    emit "waiting $(in_the_way | base64 | tr -d '\n')"
    [ "$waited" -lt "$wait" ] || { emit 'over locked'; exit 0; }
    sleep 1
    waited=$((waited + 1))
  done
  # the private directory of a run that was killed
  left=$(sed -n 2p "$BASE/holder" 2>/dev/null)
  case $left in /run/steward.* | /dev/shm/steward.* | "$STATE"/run.*) rm -rf -- "$left" ;; esac
  rm -rf "$STATE"/stage.*
  shred_kept
  for place in /run /dev/shm "$STATE"; do
    RUN=$(mktemp -d "$place/$([ "$place" = "$STATE" ] && echo run || echo steward).XXXXXX" 2>/dev/null) && break
  done
  [ -d "$RUN" ] || { emit "refused $(echo 'no place for a private directory' | base64 | tr -d '\n')"; exit 0; }
  STAGE=$STATE/stage.$ID
  mkdir -m 700 "$STAGE" "$RUN/payload"
  trap 'finish aborted' EXIT
  trap 'exit 1' INT TERM
  printf '%s\n%s\n%s\n%s\n' "$holder" "$RUN" "$ID" "$(mark $$ || echo $$)" >"$BASE/holder"
  log_start
  (
    exec </dev/null >/dev/null 2>&1 3<&- 9>&-
    # a run that was killed takes its helpers with it, and leaves nothing behind
    while sleep 5 4>&- 5<&- && [ -d "$RUN" ] && kill -0 $$; do watch_operator; tell_news pulse; beat; done
    [ -z "${STREAM:-}" ] || echo over >&5
    kill -0 $$ || bury
  ) &
  pulse=$!
}

# What a run that was killed left, as far as no other one has begun since.
bury() {
  rm -rf -- "$RUN" "$STAGE"
  take_lock || return 0
  shred_kept
  [ "$(sed -n 2p "$BASE/holder" 2>/dev/null)" != "$RUN" ] || rm -f -- "$BASE/holder"
  rm -rf -- "$BASE/lock.d"
}

# Every 5 s: without a word from the operator for 30 s, the run ends after the current step.
watch_operator() {
  [ -e "$RUN/received" ] || return 0
  if [ -e "$RUN/alive" ]; then
    rm -f "$RUN/alive" "$RUN/quiet"
  else
    echo . >>"$RUN/quiet"
    [ "$(wc -l <"$RUN/quiet")" -lt 6 ] || : >"$RUN/stop"
  fi
}

listen() {
  while IFS= read -r word; do
    case $word in
      beat) : >"$RUN/alive" ;;
      stop) : >"$RUN/stop" ;;
    esac
  done
  : >"$RUN/stop"
}

# receive SMALL LARGE: the two archives of payloads, of this many bytes; every file is checked before anything is done.
receive() {
  take_large "$1" <&3 | tar -xof - -C "$RUN/payload"
  take_large "$2" <&3 | tar -xof - -C "$STAGE"
  for place in "$RUN/payload" "$STAGE"; do
    [ -f "$place/sums" ] && (cd "$place" && sha256sum -c sums) >/dev/null 2>&1 && continue
    [ "$place" = "$STAGE" ] && [ "$2" -eq 0 ] && continue
    emit "refused $(echo 'the upload arrived incomplete or altered, or there is no room for it' | base64 | tr -d '\n')"
    exit 0
  done
  : >"$RUN/received"
  # a shell keeps what it closes for a function alone: the lock must not outlive the run with its helpers
  (exec >/dev/null 2>&1 4>&- 5<&- 9>&-; listen <&3) &
  ear=$!
  echo "$pulse $ear ${sender:-}" >"$RUN/helpers"
}

# In blocks: a 64 MiB file must not need 64 MiB of memory.
take_large() {
  [ "$1" -lt 1048576 ] || dd bs=1048576 count=$(($1 / 1048576)) iflag=fullblock 2>/dev/null
  take $(($1 % 1048576))
}

# recheck REQUEST DIGEST: looks again; if the host is not as the plan saw it, sends what it is and changes nothing. Debts
# do not count: those of others come and go. Nor does who can get in: no change goes by it.
recheck() {
  probe_main <"$1" >"$RUN/seen" 3<&- 4>&- 5<&- 9>&-
  sum=$(sed "/^@$NONCE begin debts\$/,/^@$NONCE end debts\$/d; /^@$NONCE begin access\$/,/^@$NONCE end access\$/d" "$RUN/seen" | sha256sum)
  [ "${sum%% *}" != "$2" ] || return 0
  emit stale
  if [ -n "${STREAM:-}" ]; then cat "$RUN/seen" >>"$STREAM"; else cat "$RUN/seen" >&4; fi
  finish stale
}

# debt NAME TEXT: may be owed by this run; on disk before the first change, or there is none.
debt() {
  [ ! -e "$STATE/debts/$1" ] || return 0
  # shellcheck disable=SC2174
  mkdir -p -m 700 "$STATE/debts"
  if ! printf '%s\n' "$2" >"$STATE/debts/$1" || ! echo "$1" >>"$RUN/debts"; then
    rm -f "$STATE/debts/$1"
    emit "refused $(echo "there is no room in $STATE to note what the changes will owe" | base64 | tr -d '\n')"
    [ ! -e "$RUN/debts" ] || while IFS= read -r name; do rm -f "$STATE/debts/$name"; done <"$RUN/debts"
    finish aborted
  fi
}

# After the last `debt`, before the first change: a power cut must not lose what was written.
debts_written() { [ ! -d "$STATE/debts" ] || sync -f "$STATE/debts" 2>/dev/null || sync; }

owe() { : >"$RUN/owe.$1"; }

# service NUMBER NEEDS: starts a service; one whose needs failed is not touched.
service() {
  for need in $2; do [ ! -e "$RUN/failed.$need" ] || : >"$RUN/failed.$1"; done
}

# step NUMBERS SERVICES REACTIONS OWN FUNCTION ARGUMENT…
step() {
  numbers=$1 owners=$2 reactions=$3 OWN=$4
  shift 4
  STEP=${numbers%% *}
  [ ! -e "$RUN/stop" ] || { stepped skipped; emit "step $numbers skipped"; fail "$owners"; return 0; }
  alive=
  for owner in $owners; do [ -e "$RUN/failed.$owner" ] || alive=yes; done
  [ -n "$alive" ] || { stepped skipped; emit "step $numbers skipped"; return 0; }
  emit "step $numbers begin"
  (trap - PIPE HUP; set -eu; "$@") </dev/null >"$RUN/output" 2>&1 3<&- 4>&- 5<&- 9>&-
  code=$?
  stepped $code
  tell_news run
  case $code in
    0)
      for reaction in $reactions; do owe "$reaction"; echo "$STEP $owners" >>"$RUN/by.$reaction"; done
      emit "step $numbers changed"
      ;;
    90) emit "step $numbers unchanged" ;;
    *)
      # it may have changed something before it failed
      for reaction in $reactions; do owe "$reaction"; done
      fail "$owners"
      emit "step $numbers failed $code $(said)"
      ;;
  esac
}

fail() { for owner in $1; do : >"$RUN/failed.$owner"; done; }

# The last lines of what was printed, in one write that nothing can come between.
said() { tail -n 20 "$RUN/output" | tail -c 2000 | base64 | tr -d '\n'; }

# settle NUMBER SERVICE DEBT LAST VALIDATE FUNCTION ARGUMENT…: pays a reaction if it is owed. LAST: nothing that may
# owe it again follows.
settle() {
  reaction=$1 owner=$2 debt=$3 last=$4 validate=$5 OWN=$1
  shift 5
  [ -e "$RUN/owe.$reaction" ] || return 0
  if [ -e "$RUN/failed.$owner" ]; then
    # said once, in the end, unless its own failure was the reason
    [ "$last" = more ] || [ -e "$RUN/told.$reaction" ] || emit "reaction $reaction owed"
    return 0
  fi
  emit "reaction $reaction begin"
  if [ -n "$validate" ]; then
    (trap - PIPE HUP; exec sh -c "$validate") </dev/null >"$RUN/output" 2>&1 3<&- 4>&- 5<&- 9>&-
    code=$?
    if [ $code -ne 0 ]; then
      said=$(said)
      fail "$owner"
      if [ ! -e "$RUN/by.$reaction" ]; then
        # owed by an earlier run: nothing of this one is to blame, so it stays owed
        : >"$RUN/told.$reaction"
        emit "reaction $reaction failed $code $said"
        return 0
      fi
      while read -r culprit owners; do restore "$culprit"; fail "$owners"; done <"$RUN/by.$reaction"
      rm -f "$RUN/owe.$reaction"
      ! grep -qxF -- "$debt" "$RUN/debts" 2>/dev/null || rm -f "$STATE/debts/$debt"
      emit "reaction $reaction invalid $code $said"
      return 0
    fi
  fi
  STEP=r$reaction
  (trap - PIPE HUP; set -eu; "$@") </dev/null >"$RUN/output" 2>&1 3<&- 4>&- 5<&- 9>&-
  code=$?
  case $code in
    0 | 90)
      rm -f "$RUN/owe.$reaction" "$RUN/by.$reaction"
      # one of an earlier run's is settled too, unless something of this run owes it again
      echo "$debt" >>"$RUN/debts"
      [ "$last" = more ] || rm -f "$STATE/debts/$debt"
      emit "reaction $reaction paid"
      ;;
    *)
      fail "$owner"
      : >"$RUN/told.$reaction"
      emit "reaction $reaction failed $code $(said)"
      ;;
  esac
}

# cleared NUMBER DEBT: what this run might have owed, and in the end did not.
cleared() {
  [ -e "$RUN/owe.$1" ] || ! grep -qxF -- "$2" "$RUN/debts" 2>/dev/null || rm -f "$STATE/debts/$2"
}

finish() {
  trap - EXIT
  [ -z "${ear:-}" ] || kill "$ear" 2>/dev/null
  if [ -e "$RUN/units" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload >/dev/null 2>&1; fi
  shred_kept
  records_end
  if [ -e "$RUN/noted" ]; then
    # the last line about each resource, where its first one stood
    awk -F'|' '{ key = $1 "|" $2; if (!(key in line)) order[++count] = key; line[key] = $0; gone[key] = $3 == "gone" }
      END { for (i = 1; i <= count; i++) if (!gone[order[i]]) print line[order[i]] }' "$STATE/ledger" >"$STATE/ledger.new" &&
      mv -f -- "$STATE/ledger.new" "$STATE/ledger"
  fi
  if [ "$1" = 'done' ] && [ -n "$REVISION" ] && [ ! -e "$RUN/stop" ] && [ -z "$(find "$RUN" -name 'failed.*' -print)" ]; then
    applied=$STATE
    ! is_pending "$ID" || applied=$BASE/pending
    printf '%s\n' "$REVISION" >"$STATE/applied.new" && mv -f -- "$STATE/applied.new" "$applied/applied"
  fi
  # ten runs of previous contents; their names are ours
  # shellcheck disable=SC2012
  ls -1t "$STATE/previous" 2>/dev/null | tail -n +11 | while IFS= read -r old; do rm -rf -- "$STATE/previous/${old:?}"; done
  stopped=
  [ ! -e "$RUN/stop" ] || stopped=' stopped'
  enter "over $1$stopped"
  enter "ended $(date +%s)"
  [ "$1" = stale ] || sync -f "$STATE" 2>/dev/null || sync
  confirm_finish
  log_last "over $1$stopped"
  # until here it says that the run lives: what was written may take long to reach a slow disk
  [ -z "${pulse:-}" ] || kill "$pulse" 2>/dev/null
  rm -rf -- "$RUN" "$STAGE" "$BASE/holder" "$BASE/lock.d"
  log_end "over $1$stopped"
  exit 0
}
