container_present() { # NAME IMAGE unit|quadlet TEXT
  for place in /usr/lib/systemd/system /lib/systemd/system; do
    if [ -e "$place/$1.service" ]; then
      echo "$1.service is a unit of a package; give the container another name"
      exit 1
    fi
  done
  if ! command -v podman >/dev/null; then
    echo "podman is not installed; let \`- package: podman\` stand before the container"
    exit 1
  fi
  container_image "$2"
  did=
  unit=/etc/systemd/system/$1.service quadlet=/etc/containers/systemd/$1.container
  case $3 in
    unit) path=$unit other=$quadlet ;;
    quadlet)
      path=$quadlet other=$unit
      generator=$(find /usr/lib/systemd/system-generators /lib/systemd/system-generators -name podman-system-generator 2>/dev/null)
      if [ -z "$generator" ]; then
        echo "this Podman knows no Quadlet ($(podman --version)); say \`quadlet: false\`, or correct the host's \`os\`"
        exit 1
      fi
      mkdir -p /etc/containers/systemd
      ;;
  esac
  [ -e "$unit" ] || [ -e "$quadlet" ] || creates
  old=
  for there in "$other" "$path"; do
    if [ -f "$there" ]; then old=$(sed -n 's/^# Image: //p' "$there"); fi
  done
  if ! [ -f "$path" ] || [ -L "$path" ] || ! cmp -s -- "$4" "$path"; then
    stage_beside "$path"
    cat -- "$4" >"$TEMP"
    set_owner_mode "$TEMP" root root 0644 || :
    keep "$path"
    replace "$TEMP" "$path"
    note "F|$path|$(sha256sum <"$path" | cut -d ' ' -f 1)"
    did=yes
  fi
  if [ -e "$other" ] || [ -L "$other" ]; then
    [ "$3" = unit ] || systemctl disable -- "$1.service" 2>/dev/null || :
    keep "$other"
    rm -f -- "$other"
    did=yes
  fi
  systemd_reload
  case $(systemctl show -p NeedDaemonReload -- "$1.service") in
    *=yes)
      systemctl daemon-reload
      did=yes
      ;;
  esac
  [ -z "$did" ] || systemctl daemon-reload
  shown=$(systemctl show -p LoadState -p UnitFileState -p ActiveState -- "$1.service")
  case $shown in
    *LoadState=not-found*)
      echo "Podman makes no unit of $path:"
      find /usr/libexec/podman /usr/lib/podman -name quadlet -exec {} -dryrun \; 2>&1 | tail -n 12 || :
      exit 1
      ;;
  esac
  case $3/$shown in
    quadlet/* | *UnitFileState=enabled*) ;;
    *)
      systemctl enable -- "$1.service"
      did=yes
      ;;
  esac
  case $did/$shown in
    /*ActiveState=active*) unchanged ;;
  esac
  container_go "$1"
  # another container may still use it, and then it stays
  if [ -n "$old" ] && [ "$old" != "$2" ]; then podman image rm -- "$old" >/dev/null 2>&1 || :; fi
}

container_image() { # IMAGE: it is here
  status=0
  said=$(podman image exists -- "$1" 2>&1) || status=$?
  case $status in
    0) return 0 ;;
    1) ;;
    *) container_cannot "$said" ;;
  esac
  if ! said=$(podman pull --quiet -- "$1" 2>&1); then
    echo "the image $1 is not here and cannot be pulled:"
    printf '%s\n' "$said" | tail -n 5
    exit 1
  fi
}

container_cannot() { # WHAT PODMAN SAID
  echo "unsupported here: podman does not work: $(printf '%s\n' "$1" | tail -n 1)"
  case $1 in
    *'overlay'*'mount_program'*) echo "the package fuse-overlayfs may help, or a file /etc/containers/storage.conf that names the driver vfs, see containers-storage.conf(5)" ;;
  esac
  exit 1
}

container_go() { # NAME: starts it anew, and sees that it stays
  systemctl reset-failed -- "$1.service" 2>/dev/null || :
  systemctl restart -- "$1.service" || container_failed "$1"
  # Podman calls it started when its first process was; one that does not like its arguments ends at once
  sleep 1
  case $(systemctl show -p ActiveState -p NRestarts -- "$1.service" | tr '\n' ' ') in
    *ActiveState=active*) started ;;
    *) container_failed "$1" ;;
  esac
}

container_failed() { # NAME
  echo "the container $1 does not run; its journal ends with:"
  lines=$(journalctl --no-pager --quiet --output=cat --lines=12 --unit="$1.service" 2>&1) || :
  printf '%s\n' "$lines"
  case $lines in
    *'create keyring'*) echo "this host gives containers no keyring, as when it is a container itself: a file /etc/containers/containers.conf with \`[containers]\` and \`keyring = false\` does without" ;;
  esac
  exit 1
}

container_restart() { # NAME
  systemd_reload
  container_go "$1"
}

container_absent() { # NAME
  did='' old=''
  for path in "/etc/systemd/system/$1.service" "/etc/containers/systemd/$1.container"; do
    if [ -e "$path" ] || [ -L "$path" ]; then
      did=yes
      [ -L "$path" ] || old=$(sed -n 's/^# Image: //p' "$path")
    fi
  done
  [ -n "$did" ] || unchanged
  systemctl disable --now -- "$1.service" 2>/dev/null || systemctl stop -- "$1.service"
  for path in "/etc/systemd/system/$1.service" "/etc/containers/systemd/$1.container"; do
    keep "$path"
    rm -f -- "$path"
    afterwards "F|$path|gone"
  done
  systemctl daemon-reload
  systemctl reset-failed -- "$1.service" 2>/dev/null || :
  if command -v podman >/dev/null; then
    podman rm --force --ignore -- "$1" >/dev/null 2>&1 || :
    [ -z "$old" ] || podman image rm -- "$old" >/dev/null 2>&1 || :
  fi
}
