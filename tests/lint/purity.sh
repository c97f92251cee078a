#!/usr/bin/env bash
# Looks into the compiled core and codec for calls that do something: threads, clocks, files, sockets, output.
# The linker cannot tell, since all of that is in the C library, where every program finds it.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
build=${VNC_BUILD:-$PWD}/build

threads='pthread_(create|join|mutex.*|cond.*|rwlock.*)|std::thread::.*|std::condition_variable::.*|std::this_thread.*'
clocks='(clock_gettime|gettimeofday|time|nanosleep|usleep|sleep)|std::chrono::.*::now.*|std::random_device::.*|rand|random'
files='f?open(64)?|openat(64)?|fdopen|creat(64)?|read|write|rename|unlink|mkdir|f?stat(64)?|fsync|std::basic_[io]?fstream.*|std::filesystem.*'
sockets='socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|getaddrinfo|poll|select|epoll_.*|pipe2?'
output='printf|puts|putchar|fputs|fputc|fwrite|v?fprintf|vprintf|std::cout|std::cerr|std::clog|syslog'
processes='getenv|secure_getenv|setenv|fork|v?exec.*|system|kill|signal|sigaction|exit'
forbidden="^($threads|$clocks|$files|$sockets|$output|$processes)(@.*)?\$"

number=0
for room in core codec; do
  number=$((number + 1))
  mapfile -t objects < <(find "$build/release/src/$room" -name '*.o' 2>/dev/null)
  if [ "${#objects[@]}" -eq 0 ]; then
    echo "not ok $number - $room does nothing but think"
    echo "# no objects in $build/release/src/$room: run make first"
    continue
  fi
  found=$(for object in "${objects[@]}"; do
    # The checked forms of _FORTIFY_SOURCE (__read_chk, __open_2) count as what they are.
    nm --undefined-only --demangle "$object" | sed -E 's/^ *U //; s/^__(.*)_(chk|2)$/\1/' |
      grep -E "$forbidden" | sed "s|^|# ${object#"$build"/}: |"
  done)
  if [ -z "$found" ]; then
    echo "ok $number - $room does nothing but think (${#objects[@]} objects)"
  else
    echo "not ok $number - $room does nothing but think"
    echo "$found"
  fi
done
echo "1..$number"
