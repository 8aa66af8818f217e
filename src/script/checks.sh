# What a host finds out about its own services. Constant, used beside `probe.sh`; the commands that modules declare
# travel as data.

# Lines "NUMBER|unit|name", "NUMBER|ports", "NUMBER|command|account|text". Prints C|NUMBER|what was found.
probe_checks() {
  cat | while IFS='|' read -r number word one two; do
    case $word in
      unit)
        decode "$one"
        printf 'C|%s|%s|%s\n' "$number" "$(unit_word is-active "$D")" "$(unit_word is-enabled "$D")"
        ;;
      ports) printf 'C|%s|%s\n' "$number" "$(listening_ports)" ;;
      command)
        decode "$one"
        account=$D
        decode "$two"
        code=0
        said=$(command_do 20 "$account" / "$D" 0 </dev/null 2>&1) || code=$?
        # one line of printable text, whatever it is
        printf 'C|%s|%s|%s\n' "$number" "$code" "$(printf %s "$said" | tail -c 4000 | encoded)"
        ;;
    esac
  done
}

unit_word() {
  word=$(systemctl "$1" -- "$2" 2>/dev/null | head -n 1 | tr -c 'a-z\n-' '?')
  printf %s "${word:-unknown}"
}

# Every byte that is not printable ASCII, "|" and "\" as \0ooo.
encoded() {
  od -An -v -to1 | tr ' ' '\n' | awk 'NF { printf "\\0%s", $1 }'
}

# Ports of TCP, or of $1, that listen on more than loopback, by what the kernel says.
listening_ports() {
  set -- "${1:-tcp}" 0A
  [ "$1" = tcp ] || set -- "$1" 07
  cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null | awk -v state="$2" '
    function number(hex,  i, n) {
      n = 0
      for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
      return n
    }
    $4 == state {
      split($2, parts, ":")
      if (parts[1] ~ /7F$/ && length(parts[1]) == 8) next
      if (parts[1] == "00000000000000000000000001000000" || parts[1] ~ /^0000000000000000FFFF0000......7F$/) next
      ports[number(parts[2])]
    }
    END { for (port in ports) print port }' | sort -n | tr '\n' ' '
}
