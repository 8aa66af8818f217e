# Who can get in. Lines, every field encoded as in a request, and backslashes single:
#   P|name|uid|gid|home|shell|password|closed    M|group|account in it      F|account|file of keys that sshd reads
#   K|file|type|key|options without their values|comment                    R|file|who|what: a right to become others
#   A|file|members: a User_Alias                 W|file|word|value: another way into sshd
#   U|what|why: could not be read                Z: the end
# Of a password only its kind is said, never the hash; of files of keys only what looks like a public key; of commands in
# sudoers no arguments. A bounded number of processes, whatever the number of accounts.

# An awk function that encodes a field.
ACCESS_ENCODE='
  function enc(text,   out, i, c) {
    if (text !~ /[^ -~]|[|\\]/) return text
    out = ""
    for (i = 1; i <= length(text); i++) {
      c = substr(text, i, 1)
      out = out ((c ~ /[^ -~]|[|\\]/) ? ((c in code) ? code[c] : "?") : c)
    }
    return out
  }
  BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = sprintf("\\0%03o", i) }'

probe_access() {
  for file in passwd shadow group; do
    if [ ! -r "/etc/$file" ]; then
      printf 'U|/etc/%s|it cannot be read\nZ\n' "$file"
      return 0
    fi
  done
  said=$(access_files)
  {
    printf '%s\n|\n' "$said"
    printf '%s\n' "$said" | sed -n 's/^p|//p' | tr '\n' '\0' | xargs -0 stat -L -c 'S|%f|%s|%n' -- 2>&1
  } | access_keys
}

# Hands the files of accounts and rights to awk, each list behind the name of its part.
access_files() {
  set -- part=sshd
  for file in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do [ ! -f "$file" ] || set -- "$@" "$file"; done
  set -- "$@" part=names
  [ ! -f /etc/nsswitch.conf ] || set -- "$@" /etc/nsswitch.conf
  set -- "$@" part=shadow /etc/shadow part=passwd /etc/passwd part=group /etc/group part=sudo
  for file in /etc/sudoers /etc/sudoers-rs /etc/sudoers.d/*; do
    # what sudo itself passes over
    case ${file##*/} in *.* | *'~') continue ;; esac
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  set -- "$@" part=doas
  for file in /etc/doas.conf /etc/doas.d/*.conf; do [ ! -f "$file" ] || set -- "$@" "$file"; done
  set -- "$@" part=polkit
  for file in /etc/polkit-1/rules.d/*.rules /etc/polkit-1/localauthority.conf.d/*.conf; do
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  for file in "$@"; do
    case $file in
      /*) [ -r "$file" ] || printf 'U|%s|it cannot be read\n' "$(printf %s "$file" | tr -c ' -{}~' '?')" ;;
    esac
  done
  awk -v today="$(($(date +%s) / 86400))" "$ACCESS_ENCODE"'
    function kind(field) {
      if (field == "") return "empty"
      if (field ~ /^[*!]+$/ || field == "!*") return "none"
      return field ~ /^[!*]/ ? "locked" : "set"
    }
    function unknown(what, why) { print "U|" enc(what) "|" enc(why) }
    function right(who, what) { print "R|" enc(FILENAME) "|" enc(substr(who, 1, 200)) "|" enc(substr(what, 1, 300)) }
    # Where sshd looks for the keys of an account, see AuthorizedKeysFile in sshd_config(5).
    function candidate(name, uid, home, form,   path, i, c) {
      path = ""
      for (i = 1; i <= length(form); i++) {
        c = substr(form, i, 1)
        if (c == "%") {
          c = substr(form, ++i, 1)
          if (c == "h") c = home
          else if (c == "u") c = name
          else if (c == "U") c = uid
          else if (c != "%") { unknown(form, "sshd fills in %" c " itself"); return }
        }
        path = path c
      }
      if (path !~ /^\//) path = home "/" path
      print "f|" enc(name) "|" path
      if (!(path in asked)) { asked[path]; print "p|" path }
    }
    part == "sshd" {
      if (FILENAME != last) { last = FILENAME; matching = 0 }
      gsub(/"/, "")
      sub(/^[ \t]+/, "")
      sub(/[ \t\r]+$/, "")
      if ($0 == "" || /^#/ || !match($0, /[ \t]*[ \t=][ \t]*/)) next
      word = tolower(substr($0, 1, RSTART - 1))
      value = substr($0, RSTART + RLENGTH)
      if (word == "match") matching = 1
      else if (word == "authorizedkeysfile") {
        if (!matching) given = 1
        many = split(value, piece, /[ \t]+/)
        for (i = 1; i <= many; i++) if (piece[i] != "none" && !(piece[i] in has)) { has[piece[i]]; form[++forms] = piece[i] }
      } else if (word == "include") {
        many = split(value, piece, /[ \t]+/)
        for (i = 1; i <= many; i++)
          if (piece[i] != "/etc/ssh/sshd_config.d/*.conf" && piece[i] != "sshd_config.d/*.conf")
            unknown(FILENAME, "it includes " piece[i] ", which was not read")
      } else if (word ~ /^(authorizedkeyscommand|authorizedprincipalsfile|authorizedprincipalscommand|trustedusercakeys|hostbasedauthentication|permitemptypasswords)$/) {
        split(value, piece, /[ \t]+/)
        if (piece[1] != "none" && piece[1] != "no") print "W|" enc(FILENAME) "|" enc(word) "|" enc(piece[1])
      }
      next
    }
    part == "names" {
      if ($1 == "passwd:" || $1 == "group:" || $1 == "sudoers:")
        for (i = 2; i <= NF && $i !~ /^#/; i++)
          if ($i !~ /^(files|compat|systemd|\[.*|.*\])$/) unknown(FILENAME, $1 " entries come from " $i " too, which was not asked")
      next
    }
    part == "shadow" {
      split($0, field, ":")
      if (field[1] in shadow) next
      shadow[field[1]] = kind(field[2])
      closed[field[1]] = (field[8] ~ /^[0-9]+$/ && field[8] + 0 <= today) ? "yes" : "no"
      next
    }
    part == "passwd" {
      sub(/^[ \t]+/, "")
      if ($0 == "" || /^#/) next
      if (!forms || !given) {
        given = 1
        if (!(".ssh/authorized_keys" in has)) form[++forms] = ".ssh/authorized_keys"
        if (!(".ssh/authorized_keys2" in has)) form[++forms] = ".ssh/authorized_keys2"
      }
      split($0, field, ":")
      name = field[1]
      password = field[2] == "x" ? ((name in shadow) ? shadow[name] : "none") : kind(field[2])
      print "P|" enc(name) "|" enc(field[3]) "|" enc(field[4]) "|" enc(field[6]) "|" enc(field[7]) "|" password "|" ((name in closed) ? closed[name] : "no")
      primary[name] = field[4]
      if (field[6] ~ /^\//) for (i = 1; i <= forms; i++) candidate(name, field[3], field[6], form[i])
      next
    }
    part == "group" {
      split($0, field, ":")
      if (field[1] !~ /^(sudo|wheel|admin)$/) next
      many = split(field[4], piece, ",")
      for (i = 1; i <= many; i++) if (piece[i] != "") print "M|" enc(field[1]) "|" enc(piece[i])
      for (name in primary) if (primary[name] == field[3]) print "M|" enc(field[1]) "|" enc(name)
      next
    }
    part == "sudo" {
      line = $0
      while (line ~ /\\$/) {
        sub(/\\$/, "", line)
        if ((getline more) <= 0) break
        line = line more
      }
      gsub(/\t/, " ", line)
      sub(/^ +/, "", line)
      if (line ~ /^[#@]include(dir)? /) {
        sub(/^[^ ]+ +/, "", line)
        gsub(/"/, "", line)
        sub(/ +$/, "", line)
        if (line != "/etc/sudoers.d") unknown(FILENAME, "it includes " line ", which was not read")
        next
      }
      if (line ~ /^#/ && line !~ /^#[0-9]+[^=]*=/) next
      if (line ~ /^Defaults/) {
        if (line ~ /! *authenticate/) right("Defaults", "!authenticate")
        next
      }
      if (line ~ /^(Cmnd|Cmd|Host|Runas)_Alias /) next
      if (line !~ /=/) next
      if (sub(/^User_Alias +/, "", line)) { print "A|" enc(FILENAME) "|" enc(substr(line, 1, 500)); next }
      gsub(/\\./, "_", line)
      who = ""
      while (match(line, line ~ /^"/ ? "^\"[^\"]*\"?" : "^[^ ,]+")) {
        who = who substr(line, 1, RLENGTH)
        line = substr(line, RLENGTH + 1)
        if (!match(line, /^ *, */)) break
        who = who ", "
        line = substr(line, RLENGTH + 1)
      }
      sub(/^ +/, "", line)
      sub(/ #[^0-9].*/, "", line)
      what = ""
      while (match(line, /\/[^ ,]+ +[^ ,:][^,]*/)) {
        word = substr(line, RSTART, RLENGTH)
        sub(/ .*/, " ...", word)
        what = what substr(line, 1, RSTART - 1) word
        line = substr(line, RSTART + RLENGTH)
      }
      right(who, what line)
      next
    }
    part == "doas" {
      sub(/#.*/, "")
      gsub(/setenv[ \t]*\{[^}]*\}/, "")
      if ($1 != "permit") next
      what = "doas"
      for (i = 2; i <= NF && $i ~ /^(nopass|persist|nolog|keepenv)$/; i++) if ($i == "nopass") what = what " nopass"
      who = $i
      for (i++; i < NF; i++) if ($i == "as" || $i == "cmd") what = what " " $i " " $(i + 1)
      right(who, what)
      next
    }
    part == "polkit" && !/^[ \t]*(\/\/|#)/ {
      line = $0
      while (match(line, /unix-(user|group):[A-Za-z0-9_.-]+/)) {
        right(substr(line, RSTART, RLENGTH), "polkit")
        line = substr(line, RSTART + RLENGTH)
      }
      if (/polkit\.Result\.YES/) right("polkit.Result.YES", "polkit")
    }' "$@"
}

# What access_files said, "|", and what stat said of the files of keys. Prints all but the candidates, and the keys.
access_keys() {
  awk "$ACCESS_ENCODE"'
    function keys(path,   line, state, count, word, words, at, i, comment) {
      while ((state = (getline line < path)) > 0) {
        if (++count > 5000) { print "U|" enc(path) "|it has too many lines"; break }
        # a quoted value of an option ends where sshd says it does
        sub(/^[ \t]+/, "", line)
        if (line ~ /^#/) continue
        gsub(/\\"/, "", line)
        gsub(/"[^"]*"/, "", line)
        words = split(line, word, /[ \t\r]+/)
        at = 0
        if (word[2] ~ /^AAAA[A-Za-z0-9+\/]+=*$/) at = 1
        else if (word[3] ~ /^AAAA[A-Za-z0-9+\/]+=*$/) at = 2
        if (!at || word[at] !~ /^[A-Za-z0-9@.-]+$/) continue
        comment = ""
        for (i = at + 2; i <= words; i++) comment = comment (comment == "" ? "" : " ") word[i]
        print "K|" enc(path) "|" word[at] "|" word[at + 1] "|" (at == 2 ? enc(substr(word[1], 1, 200)) : "") "|" enc(substr(comment, 1, 100))
      }
      if (state < 0) print "U|" enc(path) "|it cannot be read"
      close(path)
    }
    !stats && $0 == "|" { stats = 1; next }
    !stats && /^p\|/ { next }
    !stats && /^f\|/ {
      name = substr($0, 3)
      path = substr(name, index(name, "|") + 1)
      name = substr(name, 1, index(name, "|") - 1)
      owner[++owners] = name
      file[owners] = path
      next
    }
    !stats { if ($0 != "") print; next }
    /^S\|/ {
      mode = substr($0, 3)
      size = substr(mode, index(mode, "|") + 1)
      path = substr(size, index(size, "|") + 1)
      mode = substr(mode, 1, index(mode, "|") - 1)
      size = substr(size, 1, index(size, "|") - 1)
      there[path] = mode ~ /^8/ ? "file" : "other"
      size += 0
      total += size
      if (mode !~ /^8/) print "U|" enc(path) "|it is not a file"
      else if (size > 262144 || total > 4194304) print "U|" enc(path) "|it is too large"
      else keys(path)
      next
    }
    /: (No such file or directory|Not a directory)$/ { next }
    $0 != "" { print "U|keys|" enc(substr($0, 1, 200)) }
    END {
      for (i = 1; i <= owners; i++) if (file[i] in there) print "F|" owner[i] "|" enc(file[i])
      print "Z"
    }'
}
