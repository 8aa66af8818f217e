# What a host knows of the backups of its services. The module `backup` keeps it: what is saved in /etc/steward-backup,
# how that went in /var/lib/steward/backups. Constant; names travel as data.

# ---- for a look

# Names of services, one a line. Prints N|seconds since 1970|hours until stale, then for each that is set up here
#   B|service|module|version|last success|last drill|last failure|yes if a restore is unfinished      times may be empty
# and U|service if that cannot be read.
probe_backups() {
  hours=$(sed -n 's/^STALE_HOURS=\([0-9]*\)$/\1/p' /etc/steward-backup/settings 2>/dev/null) || hours=
  printf 'N|%s|%s\n' "$(date +%s)" "$hours"
  while IFS= read -r name; do
    case $name in '' | -* | .* | *[!A-Za-z0-9._-]*) continue ;; esac
    declared=/etc/steward-backup/services/$name state=/var/lib/steward/backups/$name
    [ -e "$declared" ] || continue
    if [ ! -r "$declared" ] || { [ -e "$state" ] && ! ls "$state" >/dev/null 2>&1; }; then
      echo "U|$name"
      continue
    fi
    unfinished=
    [ ! -e "$state/swap" ] || unfinished=yes
    printf 'B|%s|%s|%s|%s|%s|%s\n' "$name" "$(sed -n 's/^module \([a-z0-9-]*\) \([0-9]*\)$/\1|\2/p' "$declared" | head -n 1)" \
      "$(backup_time "$state/success")" "$(backup_time "$state/drill")" "$(backup_time "$state/failure")" "$unfinished"
  done
}

backup_time() { sed -n '1s/^\([0-9]\{1,12\}\)|.*/\1/p' "$1" 2>/dev/null; }

# ---- for a job

# One line: start|run, list, drill or restore|service|snapshot|job, or poll|verb|service|seconds|job. The job is a unit of
# systemd, so that a cut connection does not end it. Prints E|a word for why not; S: it has begun; W|base64 of what it said
# so far: it is at work; R|base64 of ok or failed, snapshot, and what it said.
backup_job() {
  IFS='|' read -r word verb service more job || return 0
  case $verb in run | list | drill | restore) ;; *) return 0 ;; esac
  case $service in '' | -* | .* | *[!A-Za-z0-9._-]*) return 0 ;; esac
  case $job in '' | *[!0-9a-f]*) return 0 ;; esac
  case $more in *[!0-9a-f]*) return 0 ;; esac
  program=/usr/local/lib/steward/backup unit=steward-backup-$verb-$service.service file=/run/steward-backup/$job
  case $word in
    start) backup_start ;;
    poll) backup_poll ;;
  esac
}

backup_start() {
  if [ "$(id -u)" != 0 ]; then echo 'E|root'; return 0; fi
  if [ ! -d /run/systemd/system ]; then echo 'E|systemd'; return 0; fi
  if [ ! -x "$program" ]; then echo 'E|absent'; return 0; fi
  if [ ! -e "/etc/steward-backup/services/$service" ]; then echo 'E|undeclared'; return 0; fi
  case $(systemctl is-active "$unit") in active | activating | deactivating | reloading) echo 'E|busy'; return 0 ;; esac
  mkdir -p /run/steward-backup && chmod 700 /run/steward-backup
  # what nobody asked about any more
  find /run/steward-backup -type f -mtime +1 -delete
  if said=$(systemd-run --quiet --collect --unit="$unit" --setenv=STEWARD_JOB="$file" --description="$verb $service" \
    -p ExecStopPost="$program mend $service" -- "$program" "$verb" "$service" "$more" 2>&1 </dev/null); then
    echo S
  else
    printf 'E|refused|%s\n' "$(printf '%s' "$said" | base64 | tr -d '\n')"
  fi
}

backup_poll() {
  tries=0
  while :; do
    # asked first: what ends between the two questions has left its result
    active=$(systemctl is-active "$unit")
    if [ -e "$file" ]; then
      printf 'R|%s\n' "$(base64 <"$file" | tr -d '\n')"
      rm -f -- "$file"
      return 0
    fi
    case $active in
      active | activating | deactivating) ;;
      *) echo 'E|ended'; return 0 ;;
    esac
    [ "$tries" -lt "$((more * 4))" ] || break
    tries=$((tries + 1))
    sleep 0.25
  done
  printf 'W|%s\n' "$(base64 2>/dev/null <"$file.said" | tr -d '\n')"
}
