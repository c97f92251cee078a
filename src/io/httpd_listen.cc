// Addresses, unix sockets, and what people are told when there is no listening on them.
#include "io/httpd_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

constexpr int kListenBacklog = 4096;
constexpr mode_t kSocketMask = 0117;  // leaves 0660

bool parse_address(std::string address, int port, sockaddr_storage* out, socklen_t* length) {
  if (address == "localhost") address = "127.0.0.1";
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') address = address.substr(1, address.size() - 2);
  memset(out, 0, sizeof *out);
  auto* v4 = reinterpret_cast<sockaddr_in*>(out);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(out);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    *length = sizeof *v4;
    return true;
  }
  if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    *length = sizeof *v6;
    return true;
  }
  return false;
}

bool parse_socket(const std::string& path, sockaddr_storage* out, socklen_t* length) {
  memset(out, 0, sizeof *out);
  auto* local = reinterpret_cast<sockaddr_un*>(out);
  if (path.size() >= sizeof local->sun_path) return false;
  local->sun_family = AF_UNIX;
  memcpy(local->sun_path, path.c_str(), path.size() + 1);
  *length = sizeof *local;
  return true;
}

std::string hint(const HttpPlace& place, int number) {
  switch (number) {
    case EADDRINUSE:
      return place.socket.empty() ? std::string("; another program uses this port: stop it, or set ") + place.port_setting
                                  : std::string("; another program listens there, or it is no socket: see ") + place.address_setting;
    case EADDRNOTAVAIL: return std::string("; this machine has no such address: see ") + place.address_setting;
    case EROFS:
    case EACCES:
      return place.socket.empty() ? std::string("; a port below 1024 needs root: set ") + place.port_setting
                                  : std::string("; its folder is not ours to write in: see ") + place.address_setting;
    case ENOENT: return std::string("; there is no such folder: see ") + place.address_setting;
  }
  return "";
}

// What a program that was killed has left there would keep us from binding. Nobody listens behind it: that is what a refusal says.
void clear_away(const sockaddr_storage& address, socklen_t length, const std::string& path) {
  struct stat seen = {};
  if (lstat(path.c_str(), &seen) != 0 || !S_ISSOCK(seen.st_mode)) return;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0 && errno == ECONNREFUSED) unlink(path.c_str());
  close(fd);
}

// -1 with errno of the step that failed.
int listen_on(const sockaddr_storage& address, socklen_t length) {
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // for the connections of a daemon that has just ended
  // A socket in the file system has its mode from the first moment on. The log's thread, the only other one yet, has its file open.
  const bool is_file = address.ss_family == AF_UNIX;
  const mode_t before = is_file ? umask(kSocketMask) : 0;
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0;
  const int failed = errno;
  if (is_file) umask(before);
  errno = failed;
  if (bound && listen(fd, kListenBacklog) == 0) return fd;
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

}  // namespace

int httpd_listen(const HttpPlace& place, std::string* error) {
  const std::string where = "cannot listen on " + (place.socket.empty() ? place.address + ":" + std::to_string(place.port) : place.socket) + ": ";
  sockaddr_storage address;
  socklen_t length = 0;
  if (!place.socket.empty()) {
    if (!parse_socket(place.socket, &address, &length)) {
      *error = where + "the path is too long: see " + place.address_setting;
      return -1;
    }
    clear_away(address, length, place.socket);
  } else if (!parse_address(place.address, place.port, &address, &length)) {
    *error = where + "not an IPv4 or IPv6 address: see " + place.address_setting;
    return -1;
  }
  const int fd = listen_on(address, length);
  if (fd < 0) {
    const int failed = errno;
    *error = where + strerror(failed) + hint(place, failed);
  }
  return fd;
}

uint64_t httpd_listen_inode(const HttpPlace& place) {
  struct stat seen = {};
  return !place.socket.empty() && lstat(place.socket.c_str(), &seen) == 0 ? seen.st_ino : 0;
}

void httpd_unlisten(const HttpPlace& place, uint64_t inode) {
  if (inode != 0 && httpd_listen_inode(place) == inode) unlink(place.socket.c_str());
}
