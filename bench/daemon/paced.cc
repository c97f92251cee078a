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
#include <memory>

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

void askers_add(Askers* askers, int port, size_t count) {
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

// A stream while it runs.
namespace {

struct Flow {
  Stream* stream = nullptr;
  size_t first = 0;  // of its askers
  std::vector<Asker*> idle = {};
  std::deque<double> late = {};  // due, and no connection free for it
  double begin = 0, asked = 0;
};

double next_due(const Flow& flow) { return flow.begin + flow.asked / flow.stream->rate; }

bool rests(const Flow& flow) { return flow.late.empty() && flow.idle.size() == static_cast<size_t>(flow.stream->connections); }

void flow_ask(Flow* flow, bool more) {
  const double now = now_seconds();
  for (double due; more && (due = next_due(*flow)) <= now; flow->asked++) flow->late.push_back(due);
  for (; !flow->late.empty() && !flow->idle.empty(); flow->late.pop_front(), flow->idle.pop_back())
    ask(flow->idle.back(), request_of(flow->stream->path()), flow->late.front());
}

void flow_hear(Flow* flow, Askers* askers) {
  for (size_t i = flow->first; i < flow->first + static_cast<size_t>(flow->stream->connections); i++) {
    Asker* one = &askers->all[i];
    if (askers->polled[i].revents == 0 || !hear(one)) continue;
    check_at(one->due >= 0, "an answer that nobody asked for");
    flow->stream->ms.push_back((now_seconds() - one->due) * 1000);
    one->due = -1;
    flow->idle.push_back(one);
  }
}

}  // namespace

void paced_ask(std::vector<Stream>* streams, const std::function<bool()>& goes_on) {
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  const std::unique_ptr<Askers> askers(new Askers);
  std::vector<Flow> flows;
  for (Stream& stream : *streams) {
    flows.push_back(Flow{.stream = &stream, .first = askers->all.size()});
    askers_add(askers.get(), stream.port, static_cast<size_t>(stream.connections));
  }
  const double begin = now_seconds();
  for (Flow& flow : flows) {
    flow.begin = begin;
    for (int i = 0; i < flow.stream->connections; i++) flow.idle.push_back(&askers->all[flow.first + static_cast<size_t>(i)]);
  }
  for (bool more = true; more || !std::all_of(flows.begin(), flows.end(), rests);) {
    more = more && goes_on();
    check_at(now_seconds() - begin < 300, "the paced requests do not end");
    double wake = now_seconds() + 0.01;
    for (Flow& flow : flows) {
      flow_ask(&flow, more);
      if (more && flow.late.empty()) wake = std::min(wake, next_due(flow));
    }
    wait_for_any(askers.get(), std::max(0.0, wake - now_seconds()));
    for (Flow& flow : flows) flow_hear(&flow, askers.get());
  }
}

std::vector<double> paced_ask_for(int port, const std::string& path, int connections, double rate, double seconds) {
  const double end = now_seconds() + seconds;
  std::vector<Stream> streams = {{.port = port, .path = [path] { return path; }, .connections = connections, .rate = rate}};
  paced_ask(&streams, [end] { return now_seconds() < end; });
  return streams[0].ms;
}

Burst burst_ask(int port, const std::vector<std::string>& paths) {
  const std::unique_ptr<Askers> askers(new Askers);
  askers_add(askers.get(), port, paths.size());
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
