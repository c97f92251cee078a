# shellcheck shell=bash
# For the checks of this folder, which source it: what was found, or that nothing was, as a line of TAP. At the end they print "1..$number".
number=0
# report NAME FINDINGS
report() {
  number=$((number + 1))
  if [ -z "$2" ]; then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1"
    printf '%s\n' "$2" | sed 's/^/# /'
  fi
}
