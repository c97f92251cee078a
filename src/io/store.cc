// STATE_FILE on disk: lock, read, replace, set aside.
//
// A replacement is: temporary file beside it, write, fsync, close, rename over it, fsync of the folder. Whatever stops it in between, the
// name shows the old bytes or the new ones. The temporary file has a fixed name: the lock keeps a second writer away, and what a killed
// run left there is overwritten.
#include "io/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/host.h"

namespace {

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr int kMostLinks = 40;

int real_open(const char* path, int flags, mode_t mode) { return open(path, flags, mode); }

constexpr StoreCalls kSystemCalls = {real_open, write, fsync, close, rename, unlink};

// Closed without a look at the result: for what was only read.
struct Fd {
  int number = -1;
  explicit Fd(int fd) : number(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (number >= 0) close(number);
  }
};

}  // namespace

struct Store {
  const StoreCalls* calls = nullptr;
  std::string path;  // no link: what a link named stays a link
  std::string folder;
  std::string temporary;
  int lock_fd = -1;
};

const StoreCalls* store_system_calls() { return &kSystemCalls; }

void StoreDeleter::operator()(Store* store) const {
  // The lock file stays: removing it would let two daemons hold two files of one name.
  if (store->lock_fd >= 0) close(store->lock_fd);
  delete store;
}

static std::string failed(const std::string& what, const std::string& path) {
  const int number = errno;
  return what + " " + path + ": " + strerror(number);
}

static std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Follows links at the end of the path, also to a file that is not there yet, and makes the folder absolute.
static bool resolve(std::string path, std::string* out, std::string* error) {
  for (int i = 0; i < kMostLinks; ++i) {
    char target[PATH_MAX];
    const ssize_t length = readlink(path.c_str(), target, sizeof target);
    if (length < 0) break;
    const std::string text(target, static_cast<size_t>(length));
    path = text[0] == '/' ? text : folder_of(path) + "/" + text;
  }
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    *error = "STATE_FILE=" + path + " names no file";
    return false;
  }
  char folder[PATH_MAX];
  if (realpath(folder_of(path).c_str(), folder) == nullptr) {
    *error = failed("the folder of STATE_FILE cannot be used:", folder_of(path));
    return false;
  }
  *out = (strcmp(folder, "/") == 0 ? std::string() : std::string(folder)) + "/" + name;
  return true;
}

static bool take_lock(Store* store, std::string* error) {
  const std::string path = store->path + ".lock";
  store->lock_fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (store->lock_fd < 0) {
    *error = failed("cannot make the lock of STATE_FILE,", path);
    return false;
  }
  if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      *error = failed("cannot lock", path);
      return false;
    }
    char pid[32] = "";
    const ssize_t got = pread(store->lock_fd, pid, sizeof pid - 1, 0);
    const std::string who(pid, got > 0 ? strspn(pid, "0123456789") : 0);
    *error = "another orchestrator" + (who.empty() ? std::string() : " (pid " + who + ")") + " uses STATE_FILE " +
             store->path + ": stop it, or give this one a STATE_FILE of its own";
    return false;
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  // Only for the words above: a full disk is no reason not to start.
  if (ftruncate(store->lock_fd, 0) == 0) (void)!pwrite(store->lock_fd, pid.data(), pid.size(), 0);
  return true;
}

static int open_again(const StoreCalls* calls, const char* path, int flags, mode_t mode) {
  int fd;
  do {
    fd = calls->open(path, flags, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// New and empty: never through a link, never with the mode of something that lay there.
static int open_temporary(Store* store) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  int fd = open_again(store->calls, store->temporary.c_str(), flags, 0600);
  if (fd < 0 && errno == EEXIST && store->calls->unlink(store->temporary.c_str()) == 0) {
    fd = open_again(store->calls, store->temporary.c_str(), flags, 0600);
  }
  return fd;
}

static std::string write_all(Store* store, int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = store->calls->write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put == 0) errno = ENOSPC;
    if (put <= 0) return failed("cannot write", store->temporary);
    text.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

static bool sync_again(const StoreCalls* calls, int fd) {
  int done;
  do {
    done = calls->fsync(fd);
  } while (done != 0 && errno == EINTR);
  return done == 0;
}

static std::string sync_folder(Store* store) {
  const int fd = open_again(store->calls, store->folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return failed("cannot open the folder", store->folder);
  std::string error;
  // Some file systems know no fsync of a folder and say so.
  if (!sync_again(store->calls, fd) && errno != EINVAL)
    error = failed("cannot bring to disk the folder", store->folder);
  store->calls->close(fd);
  return error;
}

// Everything before the rename. The temporary file is closed in the end, whatever happens.
static std::string write_temporary(Store* store, std::string_view text) {
  const int fd = open_temporary(store);
  if (fd < 0) return failed("cannot make", store->temporary);
  std::string error = write_all(store, fd, text);
  if (error.empty() && !sync_again(store->calls, fd)) error = failed("cannot bring to disk", store->temporary);
  if (store->calls->close(fd) != 0 && error.empty()) error = failed("cannot close", store->temporary);
  return error;
}

std::string store_replace(Store* store, std::string_view text) {
  std::string error = write_temporary(store, text);
  if (error.empty() && store->calls->rename(store->temporary.c_str(), store->path.c_str()) != 0)
    error = failed("cannot replace", store->path);
  if (!error.empty()) {
    store->calls->unlink(store->temporary.c_str());
    return error;
  }
  return sync_folder(store);
}

StorePtr store_open(const std::string& path, const StoreCalls* calls, std::string* error) {
  StorePtr store(new Store);
  store->calls = calls;
  if (!resolve(path, &store->path, error)) return nullptr;
  store->folder = folder_of(store->path);
  store->temporary = store->path + ".tmp";
  struct stat info;
  if (stat(store->path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    *error = "STATE_FILE=" + store->path + " is not a file";
    return nullptr;
  }
  if (!take_lock(store.get(), error)) return nullptr;
  const int fd = open_temporary(store.get());
  if (fd < 0 && !host_no_room(errno)) {
    *error = failed("STATE_FILE cannot be written: cannot make", store->temporary);
    return nullptr;
  }
  if (fd < 0) return store;
  calls->close(fd);
  calls->unlink(store->temporary.c_str());
  return store;
}

StoreRead store_read(Store* store, std::string* text, std::string* error) {
  const Fd fd(open(store->path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.number < 0 && errno == ENOENT) return StoreRead::Missing;
  struct stat info;
  if (fd.number < 0 || fstat(fd.number, &info) != 0) {
    *error = failed("cannot read STATE_FILE", store->path);
    return StoreRead::Failed;
  }
  if (!S_ISREG(info.st_mode)) {
    *error = "STATE_FILE " + store->path + " is not a file";
    return StoreRead::Failed;
  }
  std::string bytes;
  char chunk[65536];
  for (;;) {
    const ssize_t got = read(fd.number, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      *error = failed("cannot read STATE_FILE", store->path);
      return StoreRead::Failed;
    }
    if (got == 0) break;
    bytes.append(chunk, static_cast<size_t>(got));
    if (bytes.size() > kMostBytes) {
      *error = "STATE_FILE " + store->path + " is far too large to be ours";
      return StoreRead::Failed;
    }
  }
  text->swap(bytes);
  return StoreRead::Ok;
}

std::string store_set_aside(Store* store, int64_t now_us, std::string* kept) {
  const time_t seconds = static_cast<time_t>(now_us / 1000000);
  tm utc;
  char when[32];
  if (gmtime_r(&seconds, &utc) == nullptr || strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &utc) == 0)
    return "no such time";
  const std::string first = store->path + ".corrupt-" + when;
  std::string name = first;
  struct stat info;
  for (int n = 1; lstat(name.c_str(), &info) == 0; ++n) name = first + "." + std::to_string(n);
  (void)chmod(store->path.c_str(), 0600);  // as every state file of ours; the first version let everybody read its own
  if (store->calls->rename(store->path.c_str(), name.c_str()) != 0) return failed("cannot set aside", store->path);
  *kept = name;
  return sync_folder(store);
}
