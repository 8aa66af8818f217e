# The source is unpacked in a private place; what is equal on the host is dropped from it; the rest is brought into the
# tree, so that it is on the same file system, and moved from there into place, one rename for each file or new
# directory. Lists of names are NUL-separated: names may hold anything, even the braces of find -exec. The programs for
# xargs and find get the names last; what they write down goes to lists in $notes.

tree_present() { # PATH PARENTS OWNER GROUP FILES EXECUTABLES DIRECTORIES DELETE TAR PATTERN…
  tree=$1 parents=$2 owner=$3 group=$4 files=$5 executables=$6 directories=$7 delete=$8 archive=$9
  shift 9
  for pattern in "$@"; do
    shift
    case $pattern in
      */*) set -- "$@" -o -path "./$pattern" ;;
      *) set -- "$@" -o -name "$pattern" ;;
    esac
  done
  if [ -L "$tree" ] || { [ -e "$tree" ] && [ ! -d "$tree" ]; }; then
    echo "$tree is there and is no directory; remove it by hand if a tree shall take its place"
    exit 1
  fi
  parent "$tree" "$parents"
  notes='' stage=''
  trap 'rm -rf -- "$notes" ${stage:+"$stage"}' EXIT
  # in memory, if there is room
  [ "$(wc -c <"$archive")" -gt 33554432 ] || tree_unpack "$RUN" 2>/dev/null || rm -rf -- "$notes"
  [ -d "$notes" ] || tree_unpack "$STAGE"
  [ -z "$owner" ] || chown -hR -- "$owner" "$new"
  [ -z "$group" ] || chgrp -hR -- "$group" "$new"
  for list in blocking heaps folders extras hollow missing candidates plain runnable links replaced created; do
    : >"$notes/$list"
  done
  if [ ! -d "$tree" ]; then
    creates
    mkdir -m 700 -- "$tree"
    : >"$notes/changed"
  fi
  cd "$tree"
  for left in .steward.??????; do
    [ ! -d "$left" ] || { rm -rf -- "$left" && : >"$notes/changed"; }
  done
  find . -mindepth 1 \( -name '' "$@" \) -prune -o -exec sh -c "$TREE_SORT" sh "$notes" {} +
  if [ -s "$notes/blocking" ] || [ -s "$notes/heaps" ]; then
    : >"$notes/changed"
    if [ -s "$notes/heaps" ]; then
      if [ -z "$delete" ]; then
        tree_each heaps printf '%s is a directory where the source has something else; move it away by hand\n'
        exit 1
      fi
      find . -mindepth 1 \( -name '' "$@" \) -prune -exec sh -c "$TREE_PROTECT" sh "$notes" {} +
    fi
    tree_keep blocking heaps
    tree_each blocking rm -f --
    tree_each heaps rm -rf --
  fi
  (cd "$new" && find . -mindepth 1 -print0 >"$notes/all" && tree_each all sh -c "$TREE_COMPARE_KINDS" sh "$tree" "$notes")
  (cd "$new" && tree_each candidates sh -c "$TREE_COMPARE" sh "$tree" "$notes")
  for list in plain runnable links; do (cd "$new" && tree_each "$list" rm -f --); done
  (cd "$new" && find . ! -type d -print0 >"$notes/all" && tree_each all sh -c "$TREE_COMPARE_NAMES" sh "$tree" "$notes")
  [ -n "$delete" ] || for list in extras hollow; do : >"$notes/$list"; done
  if [ -s "$notes/extras" ] || [ -s "$notes/missing" ] || [ -s "$notes/replaced" ] || [ -s "$notes/created" ]; then
    tree_keep extras replaced
  fi
  if [ -s "$notes/missing" ] || [ -s "$notes/replaced" ] || [ -s "$notes/created" ]; then
    : >"$notes/changed"
    tree_place
  fi
  if [ -s "$notes/extras" ]; then
    : >"$notes/changed"
    tree_each extras rm -f --
  fi
  tree_each hollow sh -c "$TREE_PRUNE" sh "$notes"
  printf './\0' >>"$notes/folders"
  tree_each folders sh -c "$TREE_SETTLE" sh "$notes" "$owner" "$group" "$directories"
  tree_each plain sh -c "$TREE_SETTLE" sh "$notes" "$owner" "$group" "$files"
  tree_each runnable sh -c "$TREE_SETTLE" sh "$notes" "$owner" "$group" "$executables"
  tree_each links sh -c "$TREE_SETTLE" sh "$notes" "$owner" "$group" ''
  [ -e "$notes/changed" ] || unchanged
}

tree_retired() { # PATH archive|destroy
  if [ ! -d "$1" ] || [ -L "$1" ]; then unchanged; fi
  "$2" "$1"
}

tree_unpack() {
  notes=$(mktemp -d "$1/tree.XXXXXX") && new=$notes/new && mkdir "$new" && tar -xmopf "$archive" -C "$new"
}

# tree_each LIST COMMAND…: runs it with the names of a list, if there are any.
tree_each() {
  list=$notes/$1
  shift
  [ ! -s "$list" ] || xargs -0 "$@" <"$list"
}

# tree_keep LIST…: saves what is to be replaced or removed, and notes what takes its place.
tree_keep() {
  keep_as
  mkdir "$KEPT"
  for list in "$@"; do tree_each "$list" sh -c "$TREE_KEEP" sh "$KEPT"; done
  cat "$notes/missing" "$notes/created" "$notes/replaced" "$notes/heaps" "$notes/blocking" >"$KEPT.undo"
  printf '%s.' "$tree" >"$KEPT.path"
}

TREE_KEEP='
  kept=$1
  shift
  exec cp -pPR --parents -- "$@" "$kept/"
'

tree_place() {
  stage=$(mktemp -d "$tree/.steward.XXXXXX")
  mv -- "$new" "$stage/new"
  sync -f "$stage" 2>/dev/null || sync
  (
    cd "$stage/new"
    tree_each missing sh -c "$TREE_PLACE_FOLDERS" sh "$tree"
    find . -depth -type d -exec rmdir -- {} + 2>/dev/null || :
    [ ! -d "$stage/new" ] || find . -type d -print0 >"$notes/all"
    tree_each all sh -c "$TREE_PLACE_FILES" sh "$tree" "$TREE_MOVE"
  )
  rm -rf -- "$stage"
}

# What is in the tree already, against the source. A file or link where a directory is wanted is blocking; a directory
# where something else is wanted is a heap.
TREE_SORT='
  notes=$1
  shift
  exec 3>>"$notes/blocking" 4>>"$notes/heaps" 5>>"$notes/folders" 6>>"$notes/extras" 7>>"$notes/hollow"
  under=
  # what is in a heap goes with it, and must not be looked up through a link of the source
  in_heap() {
    above=${1%/*}
    [ "$above" != "$under" ] || return "$verdict"
    under=$above verdict=1
    while [ "$above" != . ]; do
      new=$notes/new/$above
      if [ -L "$new" ] || { [ -e "$new" ] && [ ! -d "$new" ]; }; then verdict=0; fi
      above=${above%/*}
    done
    return "$verdict"
  }
  for name do
    ! in_heap "$name" || continue
    new=$notes/new/$name
    if [ -d "$name" ] && [ ! -L "$name" ]; then
      if [ -d "$new" ] && [ ! -L "$new" ]; then
        printf "%s\0" "$name" >&5
      elif [ -e "$new" ] || [ -L "$new" ]; then
        printf "%s\0" "$name" >&4
      else
        printf "%s\0" "$name" >&7
      fi
    elif [ -d "$new" ] && [ ! -L "$new" ]; then
      printf "%s\0" "$name" >&3
    elif [ ! -e "$new" ] && [ ! -L "$new" ]; then
      printf "%s\0" "$name" >&6
    fi
  done
'

# Names of what a pattern protects: none may lie in a heap.
TREE_PROTECT='
  notes=$1
  shift
  for name do
    above=${name%/*}
    while [ "$above" != . ]; do
      new=$notes/new/$above
      if [ -L "$new" ] || { [ -e "$new" ] && [ ! -d "$new" ]; }; then
        printf "%s holds %s, which is to be ignored, where the source has a file; move it away by hand\n" "$above" "$name"
        exit 1
      fi
      above=${above%/*}
    done
  done
'

# What is in the source, against the tree: missing directories, equal links, files whose contents are to be compared.
TREE_COMPARE_KINDS='
  tree=$1 notes=$2
  shift 2
  exec 3>>"$notes/missing" 4>>"$notes/links" 5>>"$notes/candidates"
  for name do
    old=$tree/$name
    if [ -L "$name" ]; then
      if [ -L "$old" ] && [ "$(readlink -- "$name" && echo .)" = "$(readlink -- "$old" && echo .)" ]; then
        printf "%s\0" "$name" >&4
      fi
    elif [ -d "$name" ]; then
      [ -d "$old" ] || printf "%s\0" "$name" >&3
    elif [ -f "$old" ] && [ ! -L "$old" ]; then
      printf "%s\0" "$name" >&5
    fi
  done
'

# Candidates, against files of the same names: those that are equal. The digests come in the order of the names, and
# one a line unless a name holds a newline.
TREE_COMPARE='
  tree=$1 notes=$2
  shift 2
  exec 3>>"$notes/plain" 4>>"$notes/runnable"
  equal() { if [ -x "$1" ]; then printf "%s\0" "$1" >&4; else printf "%s\0" "$1" >&3; fi; }
  break="
"
  sure=yes
  case $* in *"$break"*) sure= ;; esac
  sha256sum -- "$@" >"$notes/here" 2>/dev/null || sure=
  (cd "$tree" && sha256sum -- "$@") >"$notes/there" 2>/dev/null || sure=
  if [ -n "$sure" ] && cmp -s -- "$notes/here" "$notes/there"; then
    for name do equal "$name"; done
  elif [ -n "$sure" ]; then
    # not read line by line: shells read byte by byte
    for same in $(awk "NR == FNR { here[NR] = \$0; next } { print (here[FNR] == \$0) }" "$notes/here" "$notes/there"); do
      [ "$same" = 0 ] || equal "$1"
      shift
    done
  else
    for name do ! cmp -s -- "$name" "$tree/$name" || equal "$name"; done
  fi
'

# What is left of the source: whether something has its name now.
TREE_COMPARE_NAMES='
  tree=$1 notes=$2
  shift 2
  exec 3>>"$notes/replaced" 4>>"$notes/created"
  for name do
    if [ -e "$tree/$name" ] || [ -L "$tree/$name" ]; then printf "%s\0" "$name" >&3; else printf "%s\0" "$name" >&4; fi
  done
'

# A directory whose parent was missing, too, has moved with it.
TREE_PLACE_FOLDERS='
  set -e
  tree=$1
  shift
  for name do [ ! -d "$name" ] || mv -- "$name" "$tree/$name"; done
'

TREE_PLACE_FILES='
  set -e
  tree=$1 move=$2
  shift 2
  for name do find "$name" -mindepth 1 -maxdepth 1 ! -type d -print0 | xargs -0 sh -c "$move" sh "$tree/$name"; done
'

TREE_MOVE='
  into=$1
  shift
  [ "$#" -gt 0 ] || exit 0
  # busybox cannot move to where a link leads to itself
  for name do
    if [ -L "$into/${name##*/}" ] && [ ! -e "$into/${name##*/}" ]; then rm -f -- "$into/${name##*/}"; fi
  done
  exec mv -f -- "$@" "$into/"
'

# Directories that the source does not have: removed once they are empty, so what is ignored in them stays.
TREE_PRUNE='
  notes=$1
  shift
  for name do
    [ -d "$name" ] || continue
    find "$name" -depth -type d -exec rmdir -- {} + 2>/dev/null || :
    [ -d "$name" ] || : >"$notes/changed"
  done
'

# Owner, group and mode of what is in its place; only what differs is touched.
TREE_SETTLE='
  set -e
  notes=$1 owner=$2 group=$3 mode=$4
  shift 4
  fix() {
    [ -s "$notes/wrong" ] || return 0
    : >"$notes/changed"
    xargs -0 "$@" <"$notes/wrong"
  }
  if [ -n "$owner" ]; then
    find "$@" -maxdepth 0 ! -user "$owner" -print0 >"$notes/wrong"
    fix chown -h -- "$owner"
  fi
  if [ -n "$group" ]; then
    find "$@" -maxdepth 0 ! -group "$group" -print0 >"$notes/wrong"
    fix chgrp -h -- "$group"
  fi
  # changing the owner may have cleared the set-id bits
  if [ -n "$mode" ]; then
    find "$@" -maxdepth 0 ! -perm "$mode" -print0 >"$notes/wrong"
    fix chmod -- "$mode"
  fi
'
