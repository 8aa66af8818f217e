# Lines: name. One query for all of them. Prints P|name|architecture|status, A|name, E|why.
probe_package() {
  if command -v dpkg-query >/dev/null 2>&1; then
    xargs dpkg-query -W -f 'P|${Package}|${Architecture}|${db:Status-Abbrev}\n' -- 2>&1 |
      sed -n -e '/^P|/p' -e 's/^dpkg-query: no packages found matching /A|/p' -e 's/^dpkg-query: error: /E|/p'
  else
    cat >/dev/null
    echo 'E|the host has no dpkg, and Steward knows no other package manager yet'
  fi
}
