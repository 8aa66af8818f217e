# as_account NAME COMMAND [ARGUMENT…]: runs it with the rights and groups of a local account.
as_account() {
  account=$1
  shift
  if setpriv --help 2>&1 | grep -q reuid; then
    setpriv --reuid="$account" --regid="$(id -g -- "$account")" --init-groups -- "$@"
  else
    su -s /bin/sh -c '"$0" "$@"' -- "$account" "$@"
  fi
}
