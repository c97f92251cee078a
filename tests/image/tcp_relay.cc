// One thread, one poll: two sockets and two buffers a connection.
#include "image/tcp_relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "support/http_client.h"

namespace {

constexpr size_t kBufferMost = 1 << 20;
constexpr int kTickMs = 20;

struct Way {
  int from = -1, to = -1;
  std::string under_way;
};

struct Pair {
  std::array<int, 2> ends = {-1, -1};  // browser, session
  std::array<Way, 2> ways;
};

}  // namespace

struct Relay {
  int listener = -1;
  int port = 0;
  int to_port = 0;
  std::atomic<bool> stop = false, frozen = false, cut = false;
  std::atomic<int> accepted = 0;
  std::list<Pair> pairs;  // the thread's own
  std::thread thread;
};

namespace {

void pair_close(const Pair& pair) {
  for (int end : pair.ends) close(end);
}

// False when the connection is over.
bool way_go(Way* way, const pollfd& from, const pollfd& to) {
  if ((from.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && way->under_way.size() < kBufferMost) {
    std::array<char, 65536> bytes;
    ssize_t got = recv(way->from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
    if (got > 0) way->under_way.append(bytes.data(), static_cast<size_t>(got));
  }
  if ((to.revents & POLLOUT) != 0 && !way->under_way.empty()) {
    ssize_t sent = send(way->to, way->under_way.data(), way->under_way.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) way->under_way.erase(0, static_cast<size_t>(sent));
  }
  return true;
}

void take_connection(Relay* relay) {
  int browser = accept4(relay->listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (browser < 0) return;
  ++relay->accepted;
  int session = tcp_connect(relay->to_port);
  if (session < 0) {
    close(browser);
    return;
  }
  Pair pair;
  pair.ends = {browser, session};
  pair.ways = {Way{browser, session, {}}, Way{session, browser, {}}};
  relay->pairs.push_back(pair);
}

void turn(Relay* relay) {
  std::vector<pollfd> fds = {{relay->listener, POLLIN, 0}};
  for (const Pair& pair : relay->pairs) {
    for (size_t i = 0; i < 2; i++) {
      int wanted = pair.ways[i].under_way.size() < kBufferMost ? POLLIN : 0;
      if (!pair.ways[1 - i].under_way.empty()) wanted |= POLLOUT;
      fds.push_back({pair.ends[i], static_cast<short>(wanted), 0});
    }
  }
  if (poll(fds.data(), fds.size(), kTickMs) <= 0) return;
  size_t at = 1;
  for (auto pair = relay->pairs.begin(); pair != relay->pairs.end(); at += 2) {
    const pollfd& browser = fds[at];
    const pollfd& session = fds[at + 1];
    if (way_go(&pair->ways[0], browser, session) && way_go(&pair->ways[1], session, browser)) {
      ++pair;
    } else {
      pair_close(*pair);
      pair = relay->pairs.erase(pair);
    }
  }
  if (fds[0].revents != 0) take_connection(relay);
}

void run(Relay* relay) {
  while (!relay->stop) {
    if (relay->cut) {
      for (const Pair& pair : relay->pairs) pair_close(pair);
      relay->pairs.clear();
      relay->cut = false;
    }
    if (relay->frozen) {
      usleep(kTickMs * 1000);
    } else {
      turn(relay);
    }
  }
}

}  // namespace

RelayPtr relay_start(int to_port) {
  RelayPtr relay(new Relay);
  relay->to_port = to_port;
  relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (bind(relay->listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(relay->listener, 64) != 0 ||
      getsockname(relay->listener, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    return nullptr;
  relay->port = ntohs(at.sin_port);
  relay->thread = std::thread(run, relay.get());
  return relay;
}

int relay_port(const Relay* relay) { return relay->port; }
void relay_freeze(Relay* relay, bool frozen) { relay->frozen = frozen; }
int relay_accepted(const Relay* relay) { return relay->accepted; }

void relay_cut(Relay* relay) {
  relay->cut = true;
  while (relay->cut) usleep(1000);
}

void RelayDeleter::operator()(Relay* relay) const {
  relay->stop = true;
  if (relay->thread.joinable()) relay->thread.join();
  for (const Pair& pair : relay->pairs) pair_close(pair);
  if (relay->listener >= 0) close(relay->listener);
  delete relay;
}
