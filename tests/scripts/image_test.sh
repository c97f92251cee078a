#!/usr/bin/env bash
# What an image is called: by the orchestrator's version and by what it is made of, wherever and whenever that was copied.
# shellcheck source-path=SCRIPTDIR source=operator.sh
. "$(dirname "${BASH_SOURCE[0]}")/operator.sh"

one=$scratch/one other=$scratch/other
for copy in "$one" "$other"; do
  mkdir "$copy"
  cp -R --preserve=mode "$source_dir/image" "$source_dir/configure.ac" "$copy"
done
version_of() { "$1/image/build.sh" --version; }
is_other() { [ "$(version_of "$one")" != "$(version_of "$other")" ]; }
is_same() { ! is_other; }
put_back() { rm -rf "$other/image" && cp -R --preserve=mode "$source_dir/image" "$other"; }

version=$(sed -n 's/^AC_INIT(\[vnc-orchestrator\], \[\(.*\)\])$/\1/p' "$source_dir/configure.ac")
matches() { [[ $(version_of "$one") =~ ^${version//./\\.}-[0-9a-f]{12}$ ]]; }
check "version of configure.ac and twelve digits" matches
find "$other" -exec touch -d '2020-01-01' {} +
chmod -R go-rwx "$other"
check "the same sources at another time, for other eyes: the same name" is_same
echo >>"$other/image/README.md"
check "what is not in the image does not count" is_same
echo >>"$other/image/firefox/user.js"
check "a byte more: another name" is_other
put_back
mv "$other/image/openbox.xml" "$other/image/openbox2.xml"
check "a file of another name: another one" is_other
put_back
chmod a-x "$other/image/session/session-run"
check "no longer executable: another one" is_other
put_back
rm "$other/configure.ac"
echo 9.9.9 >"$other/VERSION"
check "installed, the version is what make install wrote there" test "$(version_of "$other")" = "9.9.9-$(version_of "$one" | sed 's/.*-//')"

image=localhost/vnc-orchestrator-session:$(version_of "$one")
label() { docker image inspect -f "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$image"; }
docker image inspect "$image" >/dev/null 2>&1 || { echo "Bail out! image $image is not there: make image"; exit 2; }
check "the image of these sources says so: version" test "$(label version)" = "$version"
check "the image of these sources says so: content" test "$(label revision)" = "${image##*-}"
run docker run --rm --network none "$image" --packages
check "it lists its packages" says "^firefox-esr[[:space:]]"
check "those of which it has parts alone as well" says "^novnc[[:space:]]"
check "each with its version" test -z "$(awk -F '\t' 'NF != 2 || $2 !~ /^[0-9]/' <<<"$output")"
finish
