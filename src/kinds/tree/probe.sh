# Lines: path|pattern|pattern…, of which none must be listed or read below. One find with its stat and one with its
# sha256sum for each tree. Names may hold anything, so records begin with the nonce, and all is sent in base64.
probe_tree() {
  number=0
  while IFS='|' read -r path patterns; do
    printf '%s|' "$number"
    number=$((number + 1))
    decode "$path"
    if [ -L "$D" ]; then
      echo 'other|link'
    elif [ ! -e "$D" ]; then
      echo 'absent'
    elif [ ! -d "$D" ]; then
      echo 'other|file'
    else
      printf 'tree|'
      list_tree "$D" "$patterns" | base64 | tr -d '\n'
      echo
    fi
  done
}

list_tree() { # PATH PATTERNS
  cd "$1" || return 0
  rest=$2
  set --
  while [ -n "$rest" ]; do
    decode "${rest%%|*}"
    case $rest in *'|'*) rest=${rest#*|} ;; *) rest= ;; esac
    case $D in
      */*) set -- "$@" -o -path "./$D" ;;
      *) set -- "$@" -o -name "$D" ;;
    esac
  done
  # no name is empty: what begins the list of patterns matches nothing
  QUOTING_STYLE=literal find . -mindepth 1 \( -name '' "$@" \) -prune -exec stat -c "$NONCE|ignored|||||%n$NONCE>" {} + -o \
    -exec stat -c "$NONCE|%f|%U|%u|%G|%g|%n$NONCE>%N" {} + || printf '%s!' "$NONCE"
  QUOTING_STYLE=literal stat -c "$NONCE|%f|%U|%u|%G|%g|%n$NONCE>%N" .
  printf '%s=' "$NONCE"
  { find . -mindepth 1 \( -name '' "$@" \) -prune -o -type f -exec sha256sum -- {} + || printf '%s!' "$NONCE"; } | known_sums
}
