#!/usr/bin/env bash
# Our lines in a Raspberry Pi's config.txt: put in once, changed in place, taken out again.
# config-txt.sh add FILE LINE... | config-txt.sh remove FILE
set -euo pipefail

begin="# begin edge-door"
end="# end edge-door"

# What others wrote, without our block.
others() {
  sed "/^$begin\$/,/^$end\$/d" "$1"
}

# A power cut leaves the old file or the new one, never half.
replace() {
  local file=$1
  cat >"$file.edge-door"
  sync "$file.edge-door"
  mv "$file.edge-door" "$file"
  sync "$file"
}

action=${1:?add or remove} file=${2:?the config.txt}
shift 2
case $action in
  add)
    text=$(others "$file")
    block=$(printf '%s\n' "$begin" "[all]" "$@" "$end")
    printf '%s\n%s\n' "$text" "$block" | replace "$file"
    ;;
  remove)
    if grep -q "^$begin\$" "$file"; then
      text=$(others "$file")
      printf '%s\n' "$text" | replace "$file"
    fi
    ;;
  *)
    echo "config-txt.sh: add or remove, not '$action'" >&2
    exit 2
    ;;
esac
