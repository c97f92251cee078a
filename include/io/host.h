// What the host and the service manager tell us, and what we tell them.
#ifndef IO_HOST_H
#define IO_HOST_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

int64_t host_monotonic_us();  // CLOCK_MONOTONIC, microseconds
int64_t host_monotonic_ms();  // CLOCK_MONOTONIC, milliseconds
int64_t host_wall_us();       // UTC microseconds since 1970
int64_t host_east_s(int64_t wall_us);  // how far local time is ahead of UTC at that moment, in seconds; asked of the C library once a minute

std::string host_name();      // what this machine calls itself; empty when unknown
std::string host_time_zone();  // of this machine, as the zone database names it; empty when unknown
std::string host_boot_id();    // /proc/sys/kernel/random/boot_id; empty when unknown
std::string host_random_id();  // 16 hex digits, of the kernel's random source

// Addresses of this host that others could use: IPv4, no loopback, no bridges of the engine's.
std::vector<std::string> host_addresses();

// Has malloc keep nothing for each thread: one heap, no caches of freed pieces. The latter can be told in the environment alone, so this starts
// the program anew, once, as the same process; not where GLIBC_TUNABLES is set already: that is the operator's choice. `words`: main's.
void host_settle_memory(char** words);

// So many files may be open at once, or as many as the system allows this process. Returns the limit in force. Called before there is a second
// thread: the kernel's table of files is made as large at once, which costs nothing then and later 10 to 20 ms for each doubling.
int host_raise_file_limit(int wanted);

// Of an errno: the disk has no blocks or inodes left, or a quota is used up. That passes without anybody touching us, so it ends no start.
bool host_no_room(int error);

// A whole small file. False with *error (path and reason); a missing file is *missing.
bool host_read_file(const std::string& path, std::string* text, bool* missing, std::string* error);

// Puts the text in the place of the file at `path`, whole or not at all, 0600. Several at once: the last one's stays. False with *error, and
// nothing is left beside it.
bool host_replace_file(const std::string& path, std::string_view text, std::string* error);

// The calling thread lets every other one go first: for work that nobody waits for to the millisecond. Not taken back.
void host_give_way();

// The protocol of sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names; nothing without one. `state` is "READY=1" and the like.
void host_notify(const char* state);

#endif
