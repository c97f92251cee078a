#!/usr/bin/env bash
# Runs clang-tidy, with the checks of .clang-tidy, over every source file, as many at a time as there are processors.
#   CXX_FLAGS   the compiler flags of the build, from the Makefile
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
# 14, which Debian 12 calls clang-tidy, does not know std::source_location.
tidy=$(command -v clang-tidy-16 || command -v clang-tidy) ||
  { echo "Bail out! clang-tidy is needed: sudo init/deps.sh lint" >&2; exit 2; }
export tidy

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
export scratch

# What is found in FILE ends up in $scratch, under a name without slashes; nothing found leaves no file.
look_at() {
  local report=$scratch/${1//\//%} checks=--checks=  # besides those of .clang-tidy
  # cmocka's asserts do not return when they fail, which the analyzer does not know; and no test need be fast.
  [[ $1 != tests/* ]] || checks='--checks=-clang-analyzer-*,-performance-*'
  # The flags come as one string, quoted for a shell. assert(!"what happened") is a habit of the house.
  eval "$tidy --quiet '$checks' '$1' -- ${CXX_FLAGS:-} -Wno-string-conversion" >"$report" 2>"$report.stderr" && rm -f "$report"
  rm -f "$report.stderr"
}
export -f look_at
mapfile -t files < <(find src tests image -name '*.cc' 2>/dev/null | sort)
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'look_at {}'

number=0
for file in "${files[@]}"; do
  number=$((number + 1))
  if [ -e "$scratch/${file//\//%}" ]; then
    echo "not ok $number - $file"
    sed 's/^/# /' "$scratch/${file//\//%}"
  else
    echo "ok $number - $file"
  fi
done
echo "1..$number"
