# Lines: path below /proc/sys. Prints A|path, or U|path and, if it can be read, V|path|value; F|path|file|value of what
# files say; Z.
probe_sysctl() {
  asked=$(cat)
  # a shell reads byte by byte, and the kernel gives numbers in one piece only
  printf '%s\n' "$asked" | while IFS= read -r path; do
    if [ -e "/proc/sys/$path" ]; then printf 'U|%s\n' "$path"; else printf 'A|%s\n' "$path"; fi
  done
  printf '%s\n' "$asked" | sed 's|^|/proc/sys/|' | xargs grep -s -H '' | sed 's/^\/proc\/sys\/\([^:]*\):/V|\1|/'
  set --
  for place in /etc /run /usr/local/lib /usr/lib; do
    for file in "$place"/sysctl.d/*.conf; do [ ! -r "$file" ] || set -- "$@" "$file"; done
  done
  printf '%s\n' "$asked" | awk '
    FILENAME == "-" || FILENAME == "" { asked[$0]; next }
    /^[ \t]*([#;]|$)/ { next }
    index($0, "=") {
      key = substr($0, 1, index($0, "=") - 1)
      value = substr($0, index($0, "=") + 1)
      gsub(/^[ \t]*-?[ \t]*|[ \t]+$/, "", key)
      if (match(key, /[.\/]/) && substr(key, RSTART, 1) == ".") {
        gsub(/\//, "\001", key)
        gsub(/\./, "/", key)
        gsub(/\001/, ".", key)
      }
      if (key in asked) print "F|" key "|" FILENAME "|" value
    }' - "$@"
  echo Z
}
