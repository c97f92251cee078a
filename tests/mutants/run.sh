#!/usr/bin/env bash
# Puts small defects into core, codec and store, one at a time, and shows that the tests find each of them.
#   tests/mutants/run.sh BUILD_ROOT [NAME...]     all mutants of tests/mutants/list.txt, or those whose name holds one of the words
# Exit status 0 when every one was found, but for those whose note says why nothing can tell them from the original.
set -uo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
root=$(realpath -- "$1")/build/mutants
shift
words=("$@")
workers=${WORKERS:-2}
mkdir -p "$root"
results=$root/results
: >"$results"

# ---- the list: "name:", "file:", "old:", "new:", and maybe "equivalent:"; old and new may have more lines than one ----
names=() files=() olds=() news=() notes=()
key=
trim() { while [[ $1 == *$'\n' ]]; do set -- "${1%$'\n'}"; done; trimmed=$1; }
while IFS= read -r line; do
  case $line in
    'name: '*) key=name names+=("${line#name: }") files+=('') olds+=('') news+=('') notes+=('') ;;
    'file: '*) key=file files[-1]=${line#file: } ;;
    'old: '*) key=old olds[-1]=${line#old: } ;;
    'new:'*) key=new news[-1]=${line#new:} && news[-1]=${news[-1]# } ;;
    'equivalent: '*) key=note notes[-1]=${line#equivalent: } ;;
    *) if [ "$key" = old ]; then olds[-1]+=$'\n'$line; elif [ "$key" = new ]; then news[-1]+=$'\n'$line; fi ;;
  esac
done <"$source_dir/tests/mutants/list.txt"
for i in "${!names[@]}"; do
  trim "${olds[i]}" && olds[i]=$trimmed
  trim "${news[i]}" && news[i]=$trimmed
done

# Every one applies, and in one place only.
bad=0
for i in "${!names[@]}"; do
  text=$(<"$source_dir/${files[i]}")
  rest=${text#*"${olds[i]}"}
  if [ -z "${olds[i]}" ] || [ "$rest" = "$text" ]; then
    echo "does not apply any more: ${names[i]} (${files[i]}: ${olds[i]})"
    bad=1
  elif [ "${rest#*"${olds[i]}"}" != "$rest" ]; then
    echo "applies in more than one place: ${names[i]} (${files[i]}: ${olds[i]})"
    bad=1
  fi
done
[ "$bad" -eq 0 ] || exit 1

wanted() {
  local word
  [ "${#words[@]}" -gt 0 ] || return 0
  for word in "${words[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
  return 1
}

# The programs that may find it, the likeliest first.
programs_for() {
  local stem=${1##*/} kind
  stem=${stem%.*}
  kind=${1#src/}
  kind=${kind%%/*}
  if [ "$kind" = core ]; then
    [ ! -e "$source_dir/tests/core/${stem}_test.cc" ] || echo "core/${stem}_test"
    echo sim/sim_test
  fi
  (cd "$source_dir/tests" && printf '%s\n' "$kind/${stem}"*_test.cc "$kind"/*_test.cc) | grep -v '\*' | sed 's/\.cc$//' |
    if [ "$kind" = io ]; then grep store; else cat; fi
}

# A tree of its own for each worker, built once.
prepare() {
  mkdir -p "$1"
  (cd "$source_dir" && cp -a --parents src include tests/core tests/codec tests/io tests/sim tests/support Makefile configure configure.ac config.mak.in .env.example README.md docs init "$1"/) || return 1
  (
    cd "$1" || exit 1
    [ -e config.mak ] || ./configure >configure.log || exit 1
    programs=(tests/core/*_test.cc tests/codec/*_test.cc tests/sim/*_test.cc tests/io/store_test.cc)
    programs=("${programs[@]%.cc}")
    make -k "${programs[@]/#/build/debug/}" >build.log 2>&1
  )
}

# found BY, not found, does not build
one() {
  local tree=$1 i=$2 file object program by='' seen=' '
  file=$tree/${files[i]}
  object=$tree/build/debug/${files[i]%.cc}.o
  cp -p "$file" "$tree/kept.cc"
  cp -p "$object" "$tree/kept.o"
  local text
  text=$(cat "$file" && echo .)
  text=${text%.}
  printf '%s' "${text/"${olds[i]}"/"${news[i]}"}" >"$file"
  for program in $(programs_for "${files[i]}"); do
    [[ $seen != *" $program "* ]] || continue
    seen+="$program "
    if ! (cd "$tree" && make CXXFLAGS=-Wno-error "build/debug/tests/$program" >mutant.log 2>&1); then
      by='(does not build)'
      break
    fi
    if ! (cd "$tree" && VNC_SIM_QUIET=1 VNC_SIM_SEEDS="${SEEDS:-6000}" timeout 120 "build/debug/tests/$program" >mutant.log 2>&1 </dev/null); then
      by=$program
      break
    fi
  done
  cp -p "$tree/kept.cc" "$file"
  cp -p "$tree/kept.o" "$object"
  touch "$object"  # newer than the programs with the defect, which else would stay as they are
  printf '%s\t%s\n' "$i" "${by:--}" >>"$results"
  printf '%-22s %-24s %s\n' "${by:-NOT FOUND}" "${files[i]}" "${names[i]}"
}

echo "preparing..."
prepare "$root/tree0" || { tail -20 "$root/tree0/build.log"; exit 1; }
for program in $(for file in "${files[@]}"; do programs_for "$file"; done | sort -u); do
  (cd "$root/tree0" && VNC_SIM_SEEDS=10 "build/debug/tests/$program" >mutant.log 2>&1 </dev/null) || {
    echo "$program fails with no defect put in"
    exit 1
  }
done
for ((w = 1; w < workers; w++)); do
  mkdir -p "$root/tree$w" && cp -a "$root/tree0/." "$root/tree$w/"
done

for ((w = 0; w < workers; w++)); do
  (
    n=0
    for i in "${!names[@]}"; do
      wanted "${names[i]}" || continue
      [ $((n++ % workers)) -ne "$w" ] || one "$root/tree$w" "$i"
    done
  ) &
done
wait

found=0 equivalent=0 missed=0 broken=0
while IFS=$'\t' read -r i by; do
  if [ "$by" = '(does not build)' ]; then
    broken=$((broken + 1))
  elif [ "$by" != - ]; then
    found=$((found + 1))
    [ -z "${notes[i]}" ] || echo "was found, and yet has a note that it cannot be: ${names[i]}"
  elif [ -n "${notes[i]}" ]; then
    equivalent=$((equivalent + 1))
    echo "cannot be found: ${names[i]}: ${notes[i]}"
  else
    missed=$((missed + 1))
    echo "NOT FOUND: ${names[i]} (${files[i]})"
  fi
done <"$results"
echo "$found found, $equivalent that nothing can tell from the original, $missed not found, $broken that do not build"
[ "$missed" -eq 0 ] && [ "$broken" -eq 0 ] && [ "$found" -gt 0 ]
