# Lines: unit|digest|path. One stat, one sha256sum, one systemctl for all of them. Podman is not asked: it writes where it looks.
probe_container() {
  asked=$(cat)
  files=$(printf '%s\n' "$asked" | cut -d '|' -f 2-)
  stats=$(printf '%s\n' "$files" | cut -d '|' -f 2 | stat_paths)
  digests=$(printf '%s\n' "$stats" | regular_paths | digest_paths)
  printf '%s\n%s\n' "$stats" "$digests"
  differing=$(differing_paths "$files" "$digests")
  if [ -n "$differing" ]; then
    written_paths "$differing" "$digests"
    printf '%s\n' "$differing" | show_paths
  fi
  printf '%s\n' "$asked" | cut -d '|' -f 1 | show_units
}
