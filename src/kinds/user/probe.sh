# Lines: name|"keys" if they are to be read, and for a password sealed|digest with nonce|identity. Prints P:name:uid:gid:comment:home:shell, S:name:password:expires (what kind
# of password there is, never the hash), N:gid:name of groups, M:name:group, A:name, E:why, Z: at the end; lines of
# compare_text, and stat_paths of homes and keys, K|path|line of keys. Whatever the number of lines, few processes.
probe_user() {
  asked=$(cat)
  for path in passwd shadow group; do
    if [ ! -r "/etc/$path" ]; then
      echo "E:/etc/$path cannot be read"
      return 0
    fi
  done
  said=$(printf '%s\n' "$asked" | tr '|' ':' | awk -F: '
    function kind(field) {
      if (field == "") return "empty"
      if (field ~ /^[*!]+$/ || field == "!*") return "none"
      return field ~ /^[!*]/ ? "locked" : "set"
    }
    part == "asked" { order[++count] = $1; asked[$1] = $2; next }
    part == "passwd" && ($1 in asked) && !($1 in seen) {
      seen[$1]
      primary[$4]
      if ($2 != "x") direct[$1] = kind($2)
      print "P:" $1 ":" $3 ":" $4 ":" $5 ":" $6 ":" $7
      next
    }
    part == "shadow" && ($1 in seen) && !($1 in shadowed) {
      shadowed[$1]
      print "S:" $1 ":" (($1 in direct) ? direct[$1] : kind($2)) ":" $8
      next
    }
    part == "group" {
      if ($3 in primary) print "N:" $3 ":" $1
      members = split($4, member, ",")
      for (i = 1; i <= members; i++) if (member[i] in seen) print "M:" member[i] ":" $1
    }
    END {
      for (i = 1; i <= count; i++) {
        if (!(order[i] in seen)) print "A:" order[i]
        else if (!(order[i] in shadowed)) print "S:" order[i] ":" ((order[i] in direct) ? direct[order[i]] : "none") ":"
      }
      for (i = 1; i <= count; i++) if (order[i] in seen && asked[order[i]] == "keys") print "k:" order[i]
      print "Z"
    }' part=asked - part=passwd /etc/passwd part=shadow /etc/shadow part=group /etc/group)
  printf '%s\n' "$said"
  case $asked in
    *'|sealed|'*)
      printf '%s\n' "$asked" | awk -F'|' '
        FNR == NR { if ($3 == "sealed") wanted[$1] = $4 "|" $5; next }
        FNR == 1 { FS = ":"; $0 = $0 }
        ($1 in wanted) { print $1 "|" $2 "|" wanted[$1]; delete wanted[$1] }' - /etc/shadow |
        while IFS='|' read -r name hash wanted id; do compare_text "$name" "$hash" "$wanted" "$id"; done
      ;;
  esac
  stats=$(printf '%s\n' "$said" | awk -F: '
    $1 == "P" && $6 !~ /\\/ { home[$2] = $6; print $6 }
    $1 == "k" && ($2 in home) {
      print home[$2] "/.ssh"
      print home[$2] "/.ssh/authorized_keys"
      print home[$2] "/.ssh/authorized_keys2"
    }' | sort -u | stat_paths)
  printf '%s\n' "$stats"
  # Only lines that look like keys are shown: a link that its owner swaps in meanwhile leads to nothing else.
  printf '%s\n' "$stats" | awk -F'|' '
    $1 == "S" && $2 ~ /^4/ { directory[$8] }
    $1 == "S" && $2 ~ /^8/ && $7 <= 65536 && $8 ~ /\/\.ssh\/authorized_keys2?$/ { file[++count] = $8 }
    END {
      for (i = 1; i <= count; i++) {
        above = file[i]
        sub(/\/[^\/]*$/, "", above)
        if (above in directory) print file[i]
      }
    }' | tr '\n' '\0' | xargs -0 awk '
    /^[ \t]*(#|$)/ { next }
    /(ssh-|ecdsa-sha2-|@openssh\.com )[^ ]* *AAAA[A-Za-z0-9+\/=]*/ { print "K|" FILENAME "|" $0; next }
    { print "K|" FILENAME "|(a line that is no key)" }' /dev/null | known_keys
}
