#!/usr/bin/env bash
# configure, make, make install and the cleaning targets, in and out of the tree, as one who packages the program uses them.
# shellcheck source-path=SCRIPTDIR source=operator.sh
. "$(dirname "${BASH_SOURCE[0]}")/operator.sh"

tree=$scratch/tree
copy_tree "$tree"
files() { (cd "$1" && find . -type f -o -type l | sort); }
files "$tree" >"$scratch/clean"
same_files() { files "$1" | diff "$scratch/clean" - ; }

# ---- out of the tree -------------------------------------------------------------------------------------------------
mkdir "$scratch/out"
cd "$scratch/out" || exit 2
run "$tree/configure" --prefix=/usr
check "configure works out of the tree" ended 0
run make -j"$(nproc)"
check "make works out of the tree" ended 0
check "make leaves the program at ./vnc-orchestrator" test -x vnc-orchestrator
run ./vnc-orchestrator --version
check "the program has configure's version" says "$(sed -n 's/^version = //p' config.mak)"
check "an out-of-tree build leaves the tree untouched" same_files "$tree"
run make
check "a second make has nothing to do" says 'Nothing to be done'
touch "$tree/src/main.cc"
run make -n
check "a changed source is compiled again, alone" test "$(grep -c -- ' -c -o ' <<<"$output")" -eq 1

run make install DESTDIR="$scratch/dest"
check "make install DESTDIR succeeds" ended 0
for file in usr/sbin/vnc-orchestrator etc/init.d/vnc-orchestrator usr/lib/systemd/system/vnc-orchestrator.service \
  etc/vnc-orchestrator/vnc-orchestrator.env usr/share/doc/vnc-orchestrator/README.md usr/share/doc/vnc-orchestrator/monitoring/alerts.yml \
  usr/share/man/man8/vnc-orchestrator.8 usr/share/man/pt_BR/man5/vnc-orchestrator.env.5 \
  usr/share/vnc-orchestrator/user.sh usr/share/vnc-orchestrator/image/build.sh; do
  check "make install puts $file there" test -e "$scratch/dest/$file"
done
check "the daemon's folder leads to the settings" \
  test "$(readlink "$scratch/dest/var/lib/vnc-orchestrator/.env")" = /etc/vnc-orchestrator/vnc-orchestrator.env
check "the sources of the image are all there" diff -r "$tree/image" "$scratch/dest/usr/share/vnc-orchestrator/image"
check "an image built from them is called as one of the tree" \
  test "$("$tree/image/build.sh" --version)" = "$("$scratch/dest/usr/share/vnc-orchestrator/image/build.sh" --version)"
check "no installed file names the staging folder" not grep -rl "$scratch" "$scratch/dest/etc" "$scratch/dest/usr/lib"
if command -v systemd-analyze >/dev/null; then
  # Verified where it would stand, but with a program that is there.
  sed "s|^ExecStart=.*|ExecStart=$PWD/vnc-orchestrator|" "$scratch/dest/usr/lib/systemd/system/vnc-orchestrator.service" \
    >"$scratch/vnc-orchestrator.service"
  run systemd-analyze verify --man=no "$scratch/vnc-orchestrator.service"
  check "systemd accepts the unit" not says 'vnc-orchestrator.service:'
  run systemd-analyze security --offline=true --threshold=20 "$scratch/vnc-orchestrator.service"
  check "systemd-analyze security calls its exposure 2.0 or less" ended 0
else
  skip "systemd accepts the unit" "no systemd-analyze here"
  skip "systemd-analyze security calls its exposure 2.0 or less" "no systemd-analyze here"
fi
mkdir "$scratch/dest/usr/share/doc/other" && touch "$scratch/dest/usr/share/doc/other/README.md"
check "an install for a package makes no user" not getent passwd vnc-orchestrator
run make uninstall DESTDIR="$scratch/dest"
check "make uninstall takes the program away" test ! -e "$scratch/dest/usr/sbin/vnc-orchestrator"
check "make uninstall takes its pages away, and nobody else's" \
  test ! -e "$scratch/dest/usr/share/doc/vnc-orchestrator" -a -e "$scratch/dest/usr/share/doc/other/README.md"
check "make uninstall takes the manual pages away" test -z "$(find "$scratch/dest/usr/share/man" -type f)"
check "make uninstall leaves the settings" test -e "$scratch/dest/etc/vnc-orchestrator/vnc-orchestrator.env"
run make install DESTDIR="$scratch/dest2" prefix=/opt/vnc
check "make install prefix= keeps everything below it" test "$(ls "$scratch/dest2")" = opt

run make clean
check "make clean removes what was built" test ! -e build -a ! -e vnc-orchestrator
run make distclean
check "make distclean leaves nothing out of the tree" test -z "$(ls -A)"

# ---- in the tree -----------------------------------------------------------------------------------------------------
cd "$tree" || exit 2
run make help
check "make help lists the targets" says '^  make check-unit +'
check "make help makes nothing" same_files "$tree"
run ./configure
check "configure works in the tree" ended 0
copy_build "$tree"
run make
check "make works in the tree" test -x vnc-orchestrator
run make distclean
check "make distclean leaves the files of the clone" same_files "$tree"

# ---- what is missing is named ----------------------------------------------------------------------------------------
# A pkg-config that knows only these packages.
packages() {
  local folder=$scratch/packages file name
  rm -rf "$folder" && mkdir "$folder"
  for name; do
    for file in $(pkg-config --variable pc_path pkg-config | tr ':' ' '); do
      [ ! -e "$file/$name.pc" ] || cp "$file/$name.pc" "$folder"
    done
  done
  export PKG_CONFIG_LIBDIR=$folder
}
packages libevent libevent_core libevent_extra libevent_pthreads libcurl
run ./configure
check "configure without jansson fails" failed
check "configure without jansson names the package to install" says 'apt-get install libjansson-dev'
packages libevent libevent_core libevent_extra libevent_pthreads libcurl jansson libcrypto
run ./configure
check "configure without cmocka succeeds" ended 0
run make check-unit
check "make check-unit without cmocka names the package to install" says 'libcmocka-dev'
check "make check-unit without cmocka fails" failed

finish
