# What a host is, to be compared with the baseline of security. Constant, used beside `probe.sh` and `checks.sh`; it reads,
# and changes nothing. Lines, with what is not printable ASCII, and "|", as "?":
#   V|what|value     one of the values of `what`           E|what: there are no more
#   U|what|why       could not be found out                N|what|why: there is nothing of that kind here
#   Z: the end
probe_audit() {
  cat >/dev/null
  audit_ssh
  audit_passwords
  audit_listeners
  audit_firewall
  audit_sysctl
  audit_updates
  audit_system
  audit_files
  audit_certificates
  echo Z
}

audit_say() { printf '%s|%s|%s\n' "$1" "$2" "$(printf %s "$3" | tail -n 1 | cut -c 1-300 | tr -c '\012 -{}~' '?')"; }

# Lines on standard input as values of $1.
audit_values() { tr -c '\012 -{}~' '?' | sed -e '/^$/d' -e "s/^/V|$1|/"; }

# audit_within SECONDS COMMAND…: what takes longer would look like a dead link; it ends with a status of 124 or more.
audit_within() {
  if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi
}

audit_ssh() {
  if ! sshd=$(command -v sshd); then
    audit_say N ssh 'there is no sshd of OpenSSH'
    audit_say N host_key 'there is no sshd of OpenSSH'
    return 0
  fi
  if settings=$("$sshd" -T </dev/null 2>&1); then
    printf '%s\n' "$settings" | audit_values ssh
    # -T says nothing about blocks of Match
    for file in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do
      [ ! -r "$file" ] || awk '
        { sub(/^[ \t]+/, ""); gsub(/[ \t=]+/, " "); word = tolower($1) }
        word == "match" { inside = tolower($2) != "all"; next }
        inside && word !~ /^(#.*)?$/ { print word " " $2 }' "$file"
    done | audit_values match
    echo 'E|ssh'
  else
    audit_say U ssh "sshd -T: $settings"
  fi
  for file in /etc/ssh/ssh_host_*_key; do
    [ ! -f "$file" ] || stat -L -c '%a %u %n' -- "$file"
  done | audit_values host_key
  echo 'E|host_key'
}

audit_passwords() {
  if [ -r /etc/shadow ] && [ -r /etc/passwd ]; then
    awk -F: '$2 == "" { print $1 }' /etc/shadow /etc/passwd | audit_values empty_password
    echo 'E|empty_password'
  else
    audit_say U empty_password '/etc/shadow cannot be read'
  fi
}

audit_listeners() {
  for protocol in tcp udp; do
    if [ -r "/proc/net/$protocol" ]; then
      listening_ports "$protocol" | tr ' ' '\012' | audit_values "$protocol"
      echo "E|$protocol"
    else
      audit_say U "$protocol" "/proc/net/$protocol cannot be read"
    fi
  done
  read -r low _ 2>/dev/null </proc/sys/net/ipv4/ip_local_port_range && audit_say V ephemeral "$low"
}

# V|input|FAMILY drop or accept: what happens to what no rule lets in.
audit_firewall() {
  if command -v nft >/dev/null; then
    if rules=$(nft list ruleset 2>&1 </dev/null); then
      printf '%s\n' "$rules" | awk '
        $1 == "table" { family = $2 }
        $1 == "chain" { hook = 0; ends = "accept"; next }
        /hook input / { if (/type filter/) { hook = 1; if (/policy drop/) ends = "drop" } next }
        $1 == "}" { if (hook) print family " " ends; hook = 0; next }
        hook && ends != "drop" { ends = / (dport|sport|saddr|daddr|iif|iifname|state|meta|limit) / ? "accept" : (/(^|[ \t])(drop|reject)( |$)/ ? "last" : "accept") }
      ' | sed 's/ last$/ drop/' | audit_values input
      echo 'E|input'
    else
      audit_say U input "nft: $rules"
    fi
  elif command -v iptables >/dev/null; then
    for tool in iptables ip6tables; do
      family=ip
      [ $tool = iptables ] || family=ip6
      "$tool" -S INPUT 2>/dev/null </dev/null | sed -n -e "s/^-P INPUT DROP$/$family drop/p" -e "s/^-P INPUT ACCEPT$/$family accept/p"
    done | audit_values input
    echo 'E|input'
  else
    audit_say U input 'there is neither nft nor iptables to ask'
  fi
}

audit_sysctl() {
  for key in tcp_syncookies icmp_echo_ignore_broadcasts conf/all/accept_source_route; do
    if value=$(cat "/proc/sys/net/ipv4/$key" 2>/dev/null); then
      audit_say V sysctl "$key $value"
    else
      audit_say U sysctl "net.ipv4.$key cannot be read"
    fi
  done
  # of rp_filter, the larger of `all` and the interface's own counts
  all=$(cat /proc/sys/net/ipv4/conf/all/rp_filter 2>/dev/null) || audit_say U sysctl 'net.ipv4.conf.all.rp_filter cannot be read'
  for file in /proc/sys/net/ipv4/conf/*/rp_filter; do
    name=${file%/rp_filter}
    case ${name##*/} in all | default | lo) continue ;; esac
    value=$(cat "$file" 2>/dev/null) || continue
    [ "${all:-0}" -lt "$value" ] || value=${all:-0}
    audit_say V sysctl "conf/${name##*/}/rp_filter $value"
  done
  echo 'E|sysctl'
}

audit_age() {
  now=$(date +%s)
  if changed=$(stat -c %Y -- "$2" 2>/dev/null); then audit_say V age "$1 $((now - changed))"; fi
}

audit_updates() {
  if ! command -v apt-get >/dev/null; then
    for what in suite automatic pending reboot; do audit_say N "$what" 'there is no apt'; done
    return 0
  fi
  if suites=$(audit_within 8 apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages' 2>&1 </dev/null); then
    printf '%s\n' "$suites" | sort -u | audit_values suite
    echo 'E|suite'
  else
    audit_say U suite "$suites"
  fi
  apt-config dump 2>/dev/null </dev/null | sed -n 's/^APT::Periodic::\([A-Za-z-]*\) "\(.*\)";$/\1 \2/p' | audit_values automatic
  command -v unattended-upgrade >/dev/null && audit_say V automatic 'program yes'
  [ ! -d /run/systemd/system ] || for timer in apt-daily apt-daily-upgrade; do
    audit_say V automatic "$timer $(unit_word is-active "$timer.timer") $(unit_word is-enabled "$timer.timer")"
  done
  echo 'E|automatic'
  for file in /var/lib/apt/lists/*_*Release; do
    [ ! -f "$file" ] || audit_age lists /var/lib/apt/lists/partial
    break
  done
  audit_age lists /var/lib/apt/periodic/update-success-stamp
  audit_age upgrade /var/lib/apt/periodic/upgrade-stamp
  audit_age unattended /var/lib/dpkg/info/unattended-upgrades.list
  if pending=$(audit_within 20 apt-get -s -q -o Debug::NoLocking=true upgrade 2>&1 </dev/null); then
    printf '%s\n' "$pending" | awk '/^Inst .*-[Ss]ecurity/ { print $2 }' | audit_values pending
    echo 'E|pending'
  else
    audit_say U pending "$pending"
  fi
  if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then audit_say V reboot yes; fi
  echo 'E|reboot'
}

audit_system() {
  if [ -d /run/systemd/system ]; then
    if units=$(systemctl list-units --state=failed --plain --no-legend --no-pager 2>&1 </dev/null); then
      printf '%s\n' "$units" | awk '{ print $1 }' | audit_values failed
      echo 'E|failed'
    else
      audit_say U failed "$units"
    fi
    audit_say V synchronised "$(timedatectl show -p NTPSynchronized --value 2>/dev/null </dev/null)"
    # its clock is that of the machine below
    [ "$(systemd-detect-virt -c 2>/dev/null)" = none ] || audit_say V synchronised container
  else
    audit_say N failed 'systemd does not run here'
  fi
  audit_say V clock "$(date +%s)"
  for kind in disk inodes; do
    option=-k
    [ $kind = disk ] || option=-i
    if said=$(df -P $option / 2>/dev/null) && [ -n "$said" ]; then
      for place in / /var /home /srv /boot /opt /tmp; do
        [ ! -d $place ] || df -P $option $place 2>/dev/null | awk 'NR > 1 && $5 ~ /^[0-9]+%$/ { print $5 + 0 " " $6 }'
      done | sort -u | audit_values $kind
      echo "E|$kind"
    else
      audit_say U $kind "df $option cannot be asked"
    fi
  done
  if [ -d /var/log/journal ] || [ -d /run/log/journal ]; then
    du -sk /var/log/journal /run/log/journal 2>/dev/null | awk '{ sum += $1 } END { print sum }' | audit_values journal
    echo 'E|journal'
  else
    audit_say N journal 'there is no journal of systemd'
  fi
}

# Paths on standard input. Prints those that everybody can get to: a closed directory above hides what is in it.
audit_reachable() {
  while IFS= read -r path; do
    above=${path%/*}
    while [ -n "$above" ]; do
      case $(stat -c %a -- "$above" 2>/dev/null) in
        *[1357]) above=${above%/*} ;;
        *) break ;;
      esac
    done
    [ -n "$above" ] || printf '%s\n' "$path"
  done
}

# audit_found WHAT 'PLACES' EXPRESSION…: what find says below them.
audit_found() {
  what=$1 there='' code=0
  for place in $2; do [ ! -d "$place" ] || there="$there $place"; done
  shift 2
  # shellcheck disable=SC2086
  found=$(audit_within 8 find $there -xdev "$@" 2>/dev/null </dev/null) || code=$?
  # 1: something could not be looked into, or grep found nothing
  if [ "$code" -gt 1 ]; then
    audit_say U "$what" "find did not come to an end (status $code)"
  else
    printf '%s\n' "$found" | head -n 50 | audit_reachable | audit_values "$what"
    printf 'E|%s\n' "$what"
  fi
}

audit_files() {
  audit_found writable '/etc /usr/local /root /opt /srv /home /var/www /var/backups' \
    \( -type f -perm -0002 -o -type d -perm -0002 ! -perm -1000 \)
  audit_found private '/etc /usr/local /root /opt /srv /home /var/www /var/lib /var/backups' -type f -perm -0004 \
    \( -name '*.key' -o -name '*.pem' -o -name '*_key' -o -name id_rsa -o -name id_ed25519 -o -name id_ecdsa \) \
    -exec grep -l -e 'PRIVATE KEY-----' -- {} +
  audit_found dump '/root /opt /srv /home /var/www /var/lib /var/backups /tmp /var/tmp' -type f -perm -0004 \
    \( -name '*.sql' -o -name '*.sql.*' -o -name '*.dump' -o -name '*.dump.*' -o -name .env -o -name .pgpass \
    -o -name .my.cnf -o -name '*.kdbx' \)
}

audit_certificates() {
  certificates=$(
    {
      for file in /etc/letsencrypt/live/*/fullchain.pem; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
      [ ! -d /etc/nginx ] || find -L /etc/nginx -type f \( -name '*.conf' -o -path '*/sites-enabled/*' \) \
        -exec sed -n 's/^[ \t{]*ssl_certificate[ \t][ \t]*\([^;]*\);.*/\1/p' {} + 2>/dev/null
    } | sort -u | head -n 50
  )
  if [ -z "$certificates" ]; then
    audit_say N certificate 'no certificate of nginx or certbot is here'
  elif ! command -v openssl >/dev/null; then
    audit_say U certificate 'there is no openssl to read them'
  else
    printf '%s\n' "$certificates" | while IFS= read -r file; do
      if ! openssl x509 -noout -in "$file" >/dev/null 2>&1 </dev/null; then
        echo "unreadable $file"
      elif openssl x509 -noout -checkend 1209600 -in "$file" >/dev/null 2>&1 </dev/null; then
        echo "good $file"
      else
        echo "ends $file"
      fi
    done | audit_values certificate
    echo 'E|certificate'
  fi
}
