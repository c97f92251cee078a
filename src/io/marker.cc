// An empty file, and the folder that names it.
#include "io/marker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

static bool failed(const std::string& what, const std::string& path, int reason, std::string* error) {
  *error = "cannot " + what + " " + path + ": " + strerror(reason);
  return false;
}

// A name is as lasting as its folder.
static int sync_folder(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int reason = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return reason;
}

bool marker_set(const std::string& path, std::string* error) {
  const bool was = marker_since_us(path) != 0;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return failed("make", path, errno, error);
  int reason = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  if (reason == 0) reason = sync_folder(path);
  if (reason == 0) return true;
  if (!was) unlink(path.c_str());
  return failed("make", path, reason, error);
}

bool marker_clear(const std::string& path, std::string* error) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove", path, errno, error);
  const int reason = sync_folder(path);
  return reason == 0 || failed("remove", path, reason, error);
}

int64_t marker_since_us(const std::string& path) {
  struct stat there = {};
  if (stat(path.c_str(), &there) != 0) return 0;
  return int64_t{there.st_mtim.tv_sec} * 1'000'000 + there.st_mtim.tv_nsec / 1000;
}
