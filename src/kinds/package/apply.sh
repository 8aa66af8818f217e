# Names are letters, digits and "+-._:", so lists of them may be split at spaces.

package_manager() {
  # there will be others
  # shellcheck disable=SC2043
  for MANAGER in apt; do
    if command -v "$MANAGER-get" >/dev/null 2>&1; then return 0; fi
  done
  echo 'the host has no apt-get, and Steward knows no other package manager yet'
  exit 1
}

package_install() { # START RECOMMENDS DEBCONF MAY_REMOVE NAME…
  package_manager
  "package_${MANAGER}_install" "$@"
}

package_remove() { # PURGE MAY_REMOVE NAME…
  package_manager
  "package_${MANAGER}_remove" "$@"
}
