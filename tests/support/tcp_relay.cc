// One thread, one poll: two sockets and two buffers a connection.
#include "support/tcp_relay.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
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
  bool from_ended = false;  // nothing more comes
  bool told = false;        // and the other side knows
};

struct Pair {
  std::array<int, 2> ends = {-1, -1};  // browser, session
  std::array<Way, 2> ways;
};

}  // namespace

struct Relay {
  int listener = -1;
  int port = 0;
  RelayConnect other_end;
  std::atomic<bool> stop = false, frozen = false, cut = false;
  std::atomic<int> accepted = 0;
  std::list<Pair> pairs;  // the thread's own
  std::thread thread;
};

namespace {

void pair_close(const Pair& pair) {
  for (int end : pair.ends) close(end);
}

bool way_flush(Way* way) {
  if (!way->under_way.empty()) {
    ssize_t sent = send(way->to, way->under_way.data(), way->under_way.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) way->under_way.erase(0, static_cast<size_t>(sent));
  }
  if (way->from_ended && way->under_way.empty() && !way->told) {
    shutdown(way->to, SHUT_WR);
    way->told = true;
  }
  return true;
}

// False when the connection is broken.
bool way_go(Way* way, const pollfd& from) {
  if ((from.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !way->from_ended && way->under_way.size() < kBufferMost) {
    std::array<char, 65536> bytes;
    ssize_t got = recv(way->from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && errno != EAGAIN) return false;
    if (got == 0) way->from_ended = true;
    if (got > 0) way->under_way.append(bytes.data(), static_cast<size_t>(got));
  }
  return way_flush(way);
}

void take_connection(Relay* relay) {
  int browser = accept4(relay->listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (browser < 0) return;
  ++relay->accepted;
  int session = relay->other_end(browser);
  if (session < 0) {
    // As good as a refusal, which is no longer possible: a reset, not an empty answer.
    const linger at_once = {1, 0};
    setsockopt(browser, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(browser);
    return;
  }
  // What comes is passed on as it comes, key by key.
  const int on = 1;
  for (int end : {browser, session}) setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Pair pair;
  pair.ends = {browser, session};
  pair.ways = {Way{browser, session, {}}, Way{session, browser, {}}};
  relay->pairs.push_back(pair);
}

// What to wait for at this end: room in the buffer of the way from it, something in that of the way to it.
short wanted_at(const Pair& pair, size_t end) {
  const Way& from = pair.ways[end];
  int wanted = !from.from_ended && from.under_way.size() < kBufferMost ? POLLIN : 0;
  if (!pair.ways[1 - end].under_way.empty()) wanted |= POLLOUT;
  return static_cast<short>(wanted);
}

void turn(Relay* relay) {
  std::vector<pollfd> fds = {{relay->listener, POLLIN, 0}};
  for (const Pair& pair : relay->pairs) {
    for (size_t end = 0; end < 2; end++) {
      short wanted = wanted_at(pair, end);
      // A hung-up socket is always ready: it is looked at again when there is something to do.
      fds.push_back({wanted == 0 ? -1 : pair.ends[end], wanted, 0});
    }
  }
  if (poll(fds.data(), fds.size(), kTickMs) <= 0) return;
  size_t at = 1;
  for (auto pair = relay->pairs.begin(); pair != relay->pairs.end(); at += 2) {
    bool whole = way_go(&pair->ways[0], fds[at]) && way_go(&pair->ways[1], fds[at + 1]);
    if (whole && !(pair->ways[0].told && pair->ways[1].told)) {
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
  int listener = tcp_listen(0);
  if (listener < 0) return nullptr;
  return relay_start_on(listener, [to_port](int) { return tcp_connect(to_port); });
}

RelayPtr relay_start_on(int listener, RelayConnect other_end) {
  RelayPtr relay(new Relay);
  relay->listener = listener;
  relay->other_end = std::move(other_end);
  sockaddr_in at = {};
  socklen_t size = sizeof at;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0) return nullptr;
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
