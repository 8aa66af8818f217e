timer_present() { # NAME calendar|timespan WHEN SERVICE TIMER
  for place in /usr/lib/systemd/system /lib/systemd/system; do
    for suffix in service timer; do
      if [ -e "$place/$1.$suffix" ]; then
        echo "$1.$suffix is a unit of a package; give the timer another name"
        exit 1
      fi
    done
  done
  if ! systemd-analyze "$2" -- "$3" >/dev/null; then
    echo "systemd does not understand when \`$3\` is; see systemd.time(7)"
    exit 1
  fi
  did=
  [ -e "/etc/systemd/system/$1.service" ] || [ -e "/etc/systemd/system/$1.timer" ] || creates
  timer_file "$4" "/etc/systemd/system/$1.service"
  timer_file "$5" "/etc/systemd/system/$1.timer"
  systemd_reload
  shown=$(systemctl show -p NeedDaemonReload -p UnitFileState -p ActiveState -- "$1.timer")
  case $shown in
    *NeedDaemonReload=yes*)
      systemctl daemon-reload
      did=yes
      ;;
  esac
  case $shown in
    *UnitFileState=enabled*) ;;
    *)
      systemctl enable -- "$1.timer"
      did=yes
      ;;
  esac
  case $did/$shown in
    /*ActiveState=active*) unchanged ;;
  esac
  systemctl restart -- "$1.timer" || {
    systemctl status --no-pager --full --lines=12 -- "$1.timer" 2>&1 || :
    exit 1
  }
}

timer_file() { # CONTENT PATH
  if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s -- "$1" "$2"; then return 0; fi
  stage_beside "$2"
  cat -- "$1" >"$TEMP"
  set_owner_mode "$TEMP" root root 0644 || :
  keep "$2"
  replace "$TEMP" "$2"
  note "F|$2|$(sha256sum <"$2" | cut -d ' ' -f 1)"
  did=yes
}

timer_absent() { # NAME
  did=
  for suffix in timer service; do
    path=/etc/systemd/system/$1.$suffix
    if [ -e "$path" ] || [ -L "$path" ]; then did=yes; fi
  done
  [ -n "$did" ] || unchanged
  if [ -e "/etc/systemd/system/$1.timer" ]; then systemctl disable --now -- "$1.timer"; fi
  for suffix in timer service; do
    path=/etc/systemd/system/$1.$suffix
    keep "$path"
    rm -f -- "$path"
    afterwards "F|$path|gone"
  done
  systemctl daemon-reload
  systemctl reset-failed -- "$1.service" 2>/dev/null || :
}
