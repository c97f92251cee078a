// STATE_FILE on disk: the lock that keeps a second daemon away, reading, and replacing it whole or not at all.
#ifndef IO_STORE_H
#define IO_STORE_H

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

// The system calls a replacement makes, so that a test can fail or stop at each of them.
struct StoreCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*write)(int fd, const void* bytes, size_t count);
  int (*fsync)(int fd);
  int (*close)(int fd);
  int (*rename)(const char* from, const char* to);
  int (*unlink)(const char* path);
};
const StoreCalls* store_system_calls();

struct Store;
struct StoreDeleter {
  void operator()(Store* store) const;  // gives the lock back
};
using StorePtr = std::unique_ptr<Store, StoreDeleter>;

// Takes the lock (flock on `<path>.lock`, made 0600) and shows that the folder can be written, or could be if the disk were not full: then
// every store_replace says so until there is room. nullptr with *error: held by another daemon (its pid is named), no such folder, not
// writable, no room for a lock that was never there.
StorePtr store_open(const std::string& path, const StoreCalls* calls, std::string* error);

enum class StoreRead { Ok, Missing, Failed };
StoreRead store_read(Store* store, std::string* text, std::string* error);

// Temporary file beside it (0600), write, fsync, rename, fsync of the folder. Old or new state, never a third thing. Empty string: on
// disk. Else what failed and why, in words; the temporary file is then gone if that was possible. Blocking; one call at a time.
std::string store_replace(Store* store, std::string_view text);

// Renames it to `<path>.corrupt-<UTC time, 20260213T143000Z>[.n]`, never over an older one; *kept says which.
std::string store_set_aside(Store* store, int64_t now_us, std::string* kept);

#endif
