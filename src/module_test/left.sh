# What there is on a host that a service may have brought: a line each, what and name. Reads only. Leaves out what every
# host gets by itself, and what Steward keeps for itself.
dpkg-query -W -f '${db:Status-Status} package ${Package}\n' | sed -n 's/^installed //p'
cut -d: -f1 /etc/passwd | sed 's/^/user /'
cut -d: -f1 /etc/group | sed 's/^/group /'
systemctl list-unit-files --state=enabled --no-legend --plain | sed -n '/^steward-rollback/d; s/^\([^ ]*\).*/unit \1/p'
ss -Hltun | awk '{ n = split($5, part, ":"); print "port " part[n] "/" $1 }'
dpkg --verify 2>/dev/null | sed -n 's/^..5...... \(c \)\?/changed /p'
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/cache \
  -o -path /var/log -o -path /var/backups -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /var/lib/steward \
  -o -path /usr/bin -o -path /usr/sbin -o -path /usr/lib -o -path /usr/share -o -path /usr/include -o -path /root \
  -o -path '/etc/rc?.d' -o -path /etc/alternatives -o -path '/home/*/.sudo_as_admin_successful' -o -path '/etc/systemd/system/steward-rollback.service' \
  -o -path '/etc/systemd/system/*/steward-rollback.service' \) -prune -o -print |
  sort >/run/steward-left.here
cat /var/lib/dpkg/info/*.list | sort -u >/run/steward-left.packages
comm -23 /run/steward-left.here /run/steward-left.packages | sed 's/^/file /'
rm -f /run/steward-left.here /run/steward-left.packages
