# service_look UNIT: sets U_… to its properties.
service_look() {
  U_Id='' U_LoadState='' U_ActiveState='' U_UnitFileState='' U_NeedDaemonReload='' U_CanReload='' U_Type='' U_ConditionResult=''
  while IFS='=' read -r property value; do
    case $property in
      Id) U_Id=$value ;;
      LoadState) U_LoadState=$value ;;
      ActiveState) U_ActiveState=$value ;;
      UnitFileState) U_UnitFileState=$value ;;
      NeedDaemonReload) U_NeedDaemonReload=$value ;;
      CanReload) U_CanReload=$value ;;
      Type) U_Type=$value ;;
      ConditionResult) U_ConditionResult=$value ;;
    esac
  done <<EOF
$(systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState -p NeedDaemonReload -p CanReload -p Type \
  -p ConditionResult -- "$1")
EOF
  if [ -z "$U_LoadState" ]; then
    echo "systemd says nothing of $1; does it run here?"
    exit 1
  fi
}

# The same, of what is on disk now.
service_fresh() {
  systemd_reload
  service_look "$1"
  [ "$U_NeedDaemonReload" = yes ] || return 0
  systemctl daemon-reload
  did=yes
  service_look "$1"
}

service_failed() { # VERB
  echo "$U_Id could not be ${1}ed; systemd says:"
  systemctl status --no-pager --full --lines=12 -- "$U_Id" 2>&1 || :
  exit 1
}

# service_go VERB: start or restart, and see that it stays.
service_go() {
  [ "$U_ActiveState" != failed ] || systemctl reset-failed -- "$U_Id" || :
  # systemd opens no socket whose service runs already; the next who connects starts it again
  case $U_Id in
    *.socket)
      for triggered in $(systemctl show -p Triggers --value -- "$U_Id"); do
        ! systemctl is-active --quiet "$triggered" || systemctl stop -- "$triggered"
      done
      ;;
  esac
  systemctl "$1" -- "$U_Id" || service_failed "$1"
  # systemd calls these started before they have done anything
  case $U_Type in simple | exec | idle) sleep 0.5 ;; esac
  service_look "$U_Id"
  case $U_ActiveState in
    active | reloading | refreshing) started ;;
    inactive)
      if [ "$U_ConditionResult" = no ]; then
        echo "$U_Id does not start: a condition of its unit is not met, so it is unsupported here"
      else
        echo "$U_Id ended at once, as a task does; declare \`running: unmanaged\` and let its timer start it"
      fi
      systemctl status --no-pager --full --lines=12 -- "$U_Id" 2>&1 || :
      exit 1
      ;;
    *) service_failed "$1" ;;
  esac
}

service_ensure() { # UNIT ENABLED RUNNING MASKED; yes, no, or empty: as it is
  did=
  service_fresh "$1"
  case $2$3 in
    *yes*)
      if [ "$U_LoadState" = masked ]; then
        systemctl unmask -- "$1"
        did=yes
        service_look "$1"
      fi
      if [ "$U_LoadState" = not-found ]; then
        echo "there is no unit $1 here; a package or file that brings it must stand before it"
        exit 1
      fi
      ;;
  esac
  # from wholly off to on
  case $2$3/$U_UnitFileState/$U_ActiveState in
    *yes*/disabled/inactive | *yes*/disabled/failed | *yes*/linked/inactive) creates ;;
  esac
  case $2/$U_UnitFileState in
    yes/enabled | yes/alias | */static | */indirect | */generated | */transient) ;;
    yes/*)
      systemctl enable -- "$U_Id"
      did=yes
      ;;
    no/disabled | no/linked | no/masked* | no/) ;;
    no/*)
      systemctl disable -- "$U_Id"
      did=yes
      ;;
  esac
  case $3/$U_ActiveState in
    yes/active | yes/reloading | yes/refreshing | no/inactive) ;;
    yes/*)
      service_go start
      did=yes
      ;;
    no/failed)
      systemctl reset-failed -- "$U_Id"
      did=yes
      ;;
    no/*)
      systemctl stop -- "$U_Id"
      did=yes
      ;;
  esac
  if [ "$4" = yes ] && [ "$U_LoadState" != masked ]; then
    systemctl mask -- "$1"
    did=yes
  fi
  [ -n "$did" ] || unchanged
}

service_restart() { # UNIT RUNNING
  service_fresh "$1"
  case $2/$U_ActiveState in
    yes/* | */active | */reloading | */refreshing | */activating) service_go restart ;;
    *) unchanged ;;
  esac
}

service_reload() { # UNIT RUNNING
  service_fresh "$1"
  case $2/$U_ActiveState in
    */active | */reloading | */refreshing)
      if [ "$U_CanReload" = yes ]; then
        systemctl reload -- "$U_Id" || service_failed reload
      else
        service_go restart
      fi
      ;;
    yes/*) service_go start ;;
    *) unchanged ;;
  esac
}
