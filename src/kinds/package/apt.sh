package_apt() { # [OPTION…] COMMAND NAME…
  DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1 \
    apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 \
    -o APT::Cmd::Pattern-Only=true "$@"
}

# Prints the status letters and the name of each that dpkg knows.
package_apt_status() {
  dpkg-query -W -f '${db:Status-Abbrev}|${Package}|${Package}:${Architecture}\n' -- "$@" 2>/dev/null || [ $? -eq 1 ]
}

# package_apt_which PATTERN NAME…: sets WHICH to the names whose status the pattern of awk matches; "-": not known.
package_apt_which() {
  pattern=$1
  shift
  known=$(package_apt_status "$@")
  WHICH=$({ printf '%s\n' "$known"; printf '%s\n' "$@"; } | awk -F'|' -v pattern="$pattern" '
    NF == 3 { for (i = 2; i <= 3; i++) if (status[$i] !~ /^.i/) status[$i] = $1; next }
    NF == 1 && (($1 in status) ? status[$1] : "-") ~ pattern { printf "%s ", $1 }')
}

# What a cut of the power or a killed apt left is finished first.
package_apt_repair() {
  half=$(package_apt_status '*' | sed -n 's/^.[UFHWt].*|//p' | tr '\n' ' ')
  [ -n "$half" ] || [ -n "$(ls /var/lib/dpkg/updates 2>/dev/null)" ] || return 0
  said="an interrupted installation is finished first: $half"
  echo "$said"
  news "$said"
  # dpkg first: apt does nothing before its journal is read
  code=0
  package_apt_configure || code=$?
  # one that was cut off while its files were written cannot be configured before they are written again
  torn=$(package_apt_status '*' | sed -n 's/^..R.*|//p')
  [ -n "$torn" ] || return "$code"
  # its names are words
  # shellcheck disable=SC2086
  package_apt_patiently package_apt --no-install-recommends --reinstall install $torn || return
  package_apt_configure
}

package_apt_configure() {
  package_apt_patiently env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure -a
}

# Runs it again while another program holds the lock, for 60 s, and says for whom it waits.
package_apt_patiently() {
  waited=0
  while :; do
    code=0
    "$@" >"$RUN/apt-output" 2>&1 || code=$?
    held=$(grep -e 'Could not get lock' -e 'locked by another' "$RUN/apt-output" | head -n 1)
    if [ $code -eq 0 ] || [ $waited -ge 60 ] || [ -z "$held" ]; then break; fi
    [ $waited -gt 0 ] || news "waiting for another program that holds the lock of packages: ${held#*: }"
    sleep 2
    waited=$((waited + 2))
  done
  grep -v -e '^Hit:' -e '^Get:' -e '^Ign:' -e '^Reading ' -e '^Fetched ' "$RUN/apt-output" || :
  return "$code"
}

# package_apt_sources_since STAMP: where packages come from was changed after it.
package_apt_sources_since() {
  [ -n "$(find /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/trusted.gpg.d /etc/apt/keyrings -newer "$1" 2>/dev/null)" ]
}

package_apt_is_fresh() {
  # once a run, and again when the run itself changed the sources
  if [ -e "$RUN/apt-updated" ] && ! package_apt_sources_since "$RUN/apt-updated"; then return 0; fi
  lists=/var/lib/apt/lists
  [ -n "$(find $lists -maxdepth 1 -name '*Packages*')" ] || return 1
  stamp=$STATE/apt-updated
  # -nt is in all three shells; $lists is one word
  # shellcheck disable=SC3013,SC2086
  [ -e "$stamp" ] && [ "$stamp" -nt $lists ] || stamp=$lists
  # made while the clock was wrong
  : >"$RUN/now"
  # shellcheck disable=SC3013
  [ ! "$stamp" -nt "$RUN/now" ] || return 1
  [ -n "$(find "$stamp" -maxdepth 0 -mmin -1440)" ] || return 1
  ! package_apt_sources_since "$stamp"
}

package_apt_update() {
  : >"$RUN/apt-updated"
  if package_apt_patiently apt-get -q -o APT::Update::Error-Mode=any update; then
    : >"$STATE/apt-updated"
    return 0
  fi
  echo 'the index of packages could not be updated; going on with what is there'
}

# package_apt_simulate COMMAND OPTION… NAME…: what it would do goes to $RUN/apt-plan.
package_apt_simulate() {
  code=0
  package_apt -s "$@" >"$RUN/apt-plan" 2>&1 || code=$?
  [ $code -ne 0 ] || return 0
  if grep -q -e '^E: Unable to locate' -e 'has no installation candidate' "$RUN/apt-plan" && [ ! -e "$RUN/apt-updated" ]; then
    package_apt_update
    package_apt_simulate "$@"
    return 0
  fi
  sed -e '/^Reading /d' -e '/^Building /d' -e '/^NOTE:/d' "$RUN/apt-plan"
  exit 1
}

# package_apt_refuse_removal MAY NAME…: ends the step if what is to be removed is not among these.
package_apt_refuse_removal() {
  unasked=$(awk -v allowed="$*" '
    BEGIN { count = split(allowed, names, " "); for (i = 1; i <= count; i++) { sub(/:.*/, "", names[i]); may[names[i]] } }
    $1 == "Remv" || $1 == "Purg" { sub(/:.*/, "", $2); if (!($2 in may)) printf "%s ", $2; may[$2] }' "$RUN/apt-plan")
  [ -n "$unasked" ] || return 0
  echo "apt would also remove: $unasked"
  echo 'Nothing was done. If they may go, declare them absent beside this package, or name them in its may_remove.'
  exit 1
}

package_apt_install() { # START RECOMMENDS DEBCONF MAY_REMOVE NAME…
  start=$1 recommends=$2 answers=$3 may_remove=$4
  shift 4
  package_apt_which '^(-|.[^iWt]|..R)' "$@"
  [ -n "$WHICH" ] || unchanged
  package_apt_repair
  package_apt_which '^(-|.[^iWt]|..R)' "$@"
  [ -n "$WHICH" ] || return 0
  package_apt_is_fresh || package_apt_update
  recommends="APT::Install-Recommends=$([ "$recommends" = yes ] && echo true || echo false)"
  # shellcheck disable=SC2086
  package_apt_simulate -o "$recommends" install $WHICH
  virtual=$(sed -n "s/^Note, selecting '\([^']*\)' instead of '\([^']*\)'.*/\2 (provided by \1)/p" "$RUN/apt-plan")
  if [ -n "$virtual" ]; then
    echo "not a package of its own: $virtual; name the one that provides it"
    exit 1
  fi
  # shellcheck disable=SC2086
  package_apt_refuse_removal $may_remove
  if [ -s "$answers" ]; then debconf-set-selections <"$answers"; fi
  [ "$start" = yes ] || package_apt_hold_services
  # shellcheck disable=SC2086
  package_apt_patiently package_apt -o "$recommends" install $WHICH
}

package_apt_remove() { # PURGE MAY_REMOVE NAME…
  if [ "$1" = yes ]; then there='^.[^n-]' command=purge; else there='^.[^nc-]' command=remove; fi
  may_remove=$2
  shift 2
  package_apt_which "$there" "$@"
  [ -n "$WHICH" ] || unchanged
  package_apt_repair
  # shellcheck disable=SC2086
  package_apt_simulate $command $WHICH
  # shellcheck disable=SC2086
  package_apt_refuse_removal $may_remove "$@"
  # shellcheck disable=SC2086
  package_apt_patiently package_apt $command $WHICH
}

# Until this function's step ends, however it ends, packages may not start services: see invoke-rc.d(8). The policy
# looks for this run itself, so that one that was killed with its host does not hold services for ever.
package_apt_hold_services() {
  policy=/usr/sbin/policy-rc.d
  if [ -e $policy ] && ! grep -q '^# by steward' $policy; then mv -f $policy $policy.before-steward; fi
  trap 'package_apt_release_services' EXIT
  trap 'exit 1' HUP INT TERM
  : >"$RUN/apt-hold"
  cat >$policy <<EOF
#!/bin/sh
# by steward: removed at the end of its run
[ ! -e '$RUN/apt-hold' ] || ! kill -0 $$ 2>/dev/null || exit 101
[ ! -x $policy.before-steward ] || exec $policy.before-steward "\$@"
EOF
  chmod 755 $policy
}

package_apt_release_services() {
  rm -f "$RUN/apt-hold"
  if [ -e "$policy.before-steward" ]; then mv -f "$policy.before-steward" "$policy"; else rm -f "$policy"; fi
}
