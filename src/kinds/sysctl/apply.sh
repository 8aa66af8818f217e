sysctl_now() { tr -s '[:space:]' ' ' <"/proc/sys/$1" | sed -e 's/^ //' -e 's/ $//'; }

sysctl_present() { # PATH KEY FILE VALUE
  did=
  if [ ! -e "/proc/sys/$1" ]; then
    echo "unsupported here: the kernel has no setting $2 (a module may be missing, or this is a container)"
    exit 1
  fi
  if [ "$(sysctl_now "$1")" != "$4" ]; then
    if ! { printf '%s\n' "$4" >"/proc/sys/$1"; } 2>/dev/null; then
      if [ -w "/proc/sys/$1" ]; then
        echo "the kernel refuses $2 = $4"
      else
        echo "unsupported here: $2 is read-only"
      fi
      exit 1
    fi
    if [ "$(sysctl_now "$1")" != "$4" ]; then
      echo "the kernel made $(sysctl_now "$1") of $2 = $4"
      exit 1
    fi
    did=yes
  fi
  line="$2 = $4"
  if [ "$(cat -- "$3" 2>/dev/null)" != "$line" ]; then
    mkdir -p -- "${3%/*}"
    stage_beside "$3"
    printf '%s\n' "$line" >"$TEMP"
    set_owner_mode "$TEMP" root root 0644 || :
    [ -e "$3" ] || [ -L "$3" ] || creates
    keep "$3"
    replace "$TEMP" "$3"
    did=yes
  fi
  sysctl_wins "$2" "$3"
  [ -n "$did" ] || unchanged
}

# Files are read in the order of their names, so that a later one has the last word at boot.
sysctl_wins() { # KEY FILE
  pattern=$(printf '%s' "$1" | sed 's/[.\/]/[.\/]/g')
  for other in "${2%/*}"/*.conf; do
    [ "${other##*/}" != "${2##*/}" ] || continue
    first=$(printf '%s\n%s\n' "${other##*/}" "${2##*/}" | sort | head -n 1)
    [ "$first" = "${2##*/}" ] || continue
    if grep -q "^[[:space:]-]*${pattern}[[:space:]]*=" "$other" && [ "$(cat -- "$2")" != "$(grep "^[[:space:]-]*$pattern" "$other" | tail -n 1)" ]; then
      echo "$other sets $1 too, and is read later at boot; remove the line there"
      exit 1
    fi
  done
}

sysctl_absent() { # FILE
  [ -e "$1" ] || [ -L "$1" ] || unchanged
  keep "$1"
  rm -f -- "$1"
}
