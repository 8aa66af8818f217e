# The lock of a host, for all inventories. `flock` where there is one: the kernel frees it with its holder. Elsewhere a link
# whose target names the holder, which is made in one step and taken over only from one who is dead.
#
# $BASE/holder: who has it, the private directory of that run, its id, its process; one line each.

# mark PID: the process as no later one can be called again: "PID START BOOT".
mark() {
  since=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)
  [ -n "$since" ] || return 1
  printf '%s %s %s\n' "$1" "$since" "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
}

# True if the process of this mark lives.
lives() {
  case ${1%% *} in '' | *[!0-9]*) return 1 ;; esac
  if [ -d /proc/self ]; then [ "$(mark "${1%% *}")" = "$1" ]; else kill -0 "${1%% *}" 2>/dev/null; fi
}

take_lock() {
  exec 9>>"$BASE/lock"
  if command -v flock >/dev/null 2>&1; then
    flock -n 9
    return
  fi
  own=$(mark $$ || echo $$)
  ln -s -n -- "$own" "$BASE/lock.d" 2>/dev/null && return 0
  ! lives "$(readlink "$BASE/lock.d")" || return 1
  # whoever takes over does so alone, and looks again before
  if ! ln -s -n -- "$own" "$BASE/lock.taking" 2>/dev/null; then
    lives "$(readlink "$BASE/lock.taking")" || rm -f "$BASE/lock.taking"
    return 1
  fi
  taken=1
  if ! lives "$(readlink "$BASE/lock.d")"; then
    rm -rf "$BASE/lock.d"
    ! ln -s -n -- "$own" "$BASE/lock.d" 2>/dev/null || taken=0
  fi
  rm -f "$BASE/lock.taking"
  return $taken
}
