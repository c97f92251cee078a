// The connections, their requests and the one poll they share.
#include "bench/daemon/paced.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>
#include <deque>

#include "support/http_client.h"
#include "support/suite.h"

namespace {

struct Asker {
  int fd = -1;
  std::string got;
  double due = -1;  // of the request under way; -1: none is
};

struct Askers {
  std::vector<Asker> all;
  std::vector<pollfd> polled;
  ~Askers() {
    for (Asker& one : all) tcp_close(one.fd);
  }
};

Askers* askers_open(int port, size_t count) {
  auto* askers = new Askers;
  for (size_t i = 0; i < count; i++) {
    Asker one;
    one.fd = tcp_connect(port);
    check_at(one.fd >= 0, "cannot connect to port " + std::to_string(port));
    const int on = 1;
    setsockopt(one.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(one.fd, F_SETFL, O_NONBLOCK);
    askers->all.push_back(one);
    askers->polled.push_back({one.fd, POLLIN, 0});
  }
  return askers;
}

std::string request_of(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"; }

void ask(Asker* one, const std::string& request, double due) {
  one->due = due;
  one->got.clear();
  const bool sent = send(one->fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
  check_at(sent, "a request could not be sent");
}

// Redirects carry no body, so the head's end is the answer's. True when it is there.
bool hear(Asker* one) {
  char bytes[4096];
  const ssize_t count = recv(one->fd, bytes, sizeof bytes, 0);
  check_at(count > 0, "a connection broke before its answer");
  one->got.append(bytes, static_cast<size_t>(count));
  if (one->got.find("\r\n\r\n") == std::string::npos) return false;
  check_at(one->got.rfind("HTTP/1.1 302 ", 0) == 0 && one->got.find("Content-Length: 0\r\n") != std::string::npos,
           "an answer that is no redirect: " + one->got.substr(0, 600));
  return true;
}

// Waits no longer than that for any of them. The waits of ppoll are as fine as the timer, since the slack is 1 ns.
void wait_for_any(Askers* askers, double seconds) {
  const timespec wait = {static_cast<time_t>(seconds), static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  ppoll(askers->polled.data(), askers->polled.size(), &wait, nullptr);
}

}  // namespace

std::vector<double> paced_ask(int port, const std::string& path, int connections, double rate, const std::function<bool()>& goes_on) {
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const std::unique_ptr<Askers> askers(askers_open(port, static_cast<size_t>(connections)));
  const std::string request = request_of(path);
  std::vector<double> out;
  std::vector<Asker*> idle;
  for (Asker& one : askers->all) idle.push_back(&one);
  std::deque<double> late;  // due, and no connection free for it
  const double begin = now_seconds();
  double asked = 0;
  bool more = true;
  while (more || idle.size() < askers->all.size() || !late.empty()) {
    more = more && goes_on();
    const double now = now_seconds();
    check_at(out.empty() || now - begin < 300, "the paced requests do not end");
    for (double due; more && (due = begin + asked / rate) <= now; asked++) late.push_back(due);
    for (; !late.empty() && !idle.empty(); late.pop_front(), idle.pop_back()) ask(idle.back(), request, late.front());
    wait_for_any(askers.get(), more && late.empty() ? std::max(0.0, begin + asked / rate - now_seconds()) : 0.01);
    for (size_t i = 0; i < askers->all.size(); i++) {
      Asker* one = &askers->all[i];
      if (askers->polled[i].revents == 0 || !hear(one)) continue;
      check_at(one->due >= 0, "an answer that nobody asked for");
      out.push_back((now_seconds() - one->due) * 1000);
      one->due = -1;
      idle.push_back(one);
    }
  }
  return out;
}

std::vector<double> paced_ask_for(int port, const std::string& path, int connections, double rate, double seconds) {
  const double end = now_seconds() + seconds;
  return paced_ask(port, path, connections, rate, [end] { return now_seconds() < end; });
}

Burst burst_ask(int port, const std::vector<std::string>& paths) {
  const std::unique_ptr<Askers> askers(askers_open(port, paths.size()));
  Burst burst;
  burst.each.resize(paths.size());
  std::vector<std::string> requests;
  for (const std::string& path : paths) requests.push_back(request_of(path));
  const double begin = now_seconds();
  for (size_t i = 0; i < paths.size(); i++) ask(&askers->all[i], requests[i], begin);
  for (size_t answered = 0; answered < paths.size();) {
    check_at(now_seconds() - begin < 120, "a burst of requests is not answered");
    wait_for_any(askers.get(), 0.1);
    for (size_t i = 0; i < paths.size(); i++) {
      if (askers->polled[i].revents == 0 || askers->all[i].due < 0 || !hear(&askers->all[i])) continue;
      burst.each[i] = (now_seconds() - begin) * 1000;
      askers->all[i].due = -1;
      answered++;
    }
  }
  burst.all_ms = (now_seconds() - begin) * 1000;
  return burst;
}
