# Nothing is run for a reader key, whatever was declared of it.
probe_command() {
  asked=$(cat)
  printf '%s\n' "$asked" | sed -n 's/^creates|\([^|]*\).*/\1/p' | stat_paths
  printf '%s\n' "$asked" | awk -F'|' '$1 == "unless" { print "R|" $2 "|not run" }'
}

command_do() { return 126; }
