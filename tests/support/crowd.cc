// Non-blocking sockets in one epoll.
#include "support/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kPerSource = 1000;  // connections from one address: far from the kernel's range of ports

sockaddr_in address_of(uint32_t host, int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(host);
  return address;
}

int dial(int port, size_t number) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const sockaddr_in from = address_of(INADDR_LOOPBACK + 1 + static_cast<uint32_t>(number / kPerSource), 0);
  const sockaddr_in to = address_of(INADDR_LOOPBACK, port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
      connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
    return fd;
  close(fd);
  return -1;
}

bool open_one(Crowd* crowd, size_t number) {
  CrowdOne& one = crowd->ones[number];
  one.fd = dial(crowd->port, number);
  epoll_event wanted = {};
  wanted.events = EPOLLIN;
  wanted.data.u64 = number;
  return one.fd >= 0 && epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, one.fd, &wanted) == 0;
}

void read_one(Crowd* crowd, size_t number) {
  CrowdOne& one = crowd->ones[number];
  char bytes[4096];
  const ssize_t got = recv(one.fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got > 0) {
    one.received.append(bytes, static_cast<size_t>(got));
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    one.closed = true;
    epoll_ctl(crowd->epoll, EPOLL_CTL_DEL, one.fd, nullptr);
  }
}

}  // namespace

size_t crowd_raise_file_limit() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

Crowd crowd_open(int port, size_t count, const At& at) {
  Crowd crowd;
  crowd.port = port;
  crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
  crowd.ones.resize(count);
  for (size_t i = 0; i < count; ++i)
    check_at(open_one(&crowd, i), "connection " + std::to_string(i) + ": " + strerror(errno), at);
  return crowd;
}

void crowd_reopen(Crowd* crowd, size_t one) {
  close(crowd->ones[one].fd);
  crowd->ones[one] = CrowdOne{};
  open_one(crowd, one);
}

bool crowd_send(Crowd* crowd, size_t one, const std::string& bytes) {
  return send(crowd->ones[one].fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

void crowd_read(Crowd* crowd, int ms) {
  const double end = now_seconds() + ms / 1000.0;
  epoll_event events[256];
  for (int left = ms; left >= 0; left = static_cast<int>((end - now_seconds()) * 1000)) {
    const int count = epoll_wait(crowd->epoll, events, 256, left);
    for (int i = 0; i < count; ++i) read_one(crowd, events[i].data.u64);
    if (left == 0) break;
  }
}

bool crowd_read_to_end(Crowd* crowd, double seconds) {
  const double end = now_seconds() + seconds;
  auto open = [](const CrowdOne& one) { return one.fd >= 0 && !one.closed; };
  while (std::any_of(crowd->ones.begin(), crowd->ones.end(), open)) {
    if (now_seconds() > end) return false;
    crowd_read(crowd, 20);
  }
  return true;
}

void crowd_leave(Crowd* crowd, size_t one, bool reset) {
  const linger at_once = {1, 0};
  if (reset) setsockopt(crowd->ones[one].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(crowd->ones[one].fd);
  crowd->ones[one].fd = -1;
}

void crowd_close(Crowd* crowd) {
  for (CrowdOne& one : crowd->ones)
    if (one.fd >= 0) close(one.fd);
  crowd->ones.clear();
  if (crowd->epoll >= 0) close(crowd->epoll);
  crowd->epoll = -1;
}

size_t crowd_closed(const Crowd& crowd) {
  return static_cast<size_t>(std::count_if(crowd.ones.begin(), crowd.ones.end(), [](const CrowdOne& one) { return one.closed; }));
}

int crowd_status(const CrowdOne& one) {
  static const std::string kLine = "HTTP/1.1 ";
  const size_t first = one.received.find(kLine);
  if (first == std::string::npos) return 0;
  return one.received.find(kLine, first + 1) == std::string::npos ? atoi(one.received.c_str() + first + kLine.size()) : -1;
}
