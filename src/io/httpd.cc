// The HTTP listener over evhttp (libevent 2.1): requests out as values, answers back by number.
//
// How a request goes: evhttp stops reading from a connection while its request is unanswered, so it cannot see a client leave. Requests
// that are not answered at once are therefore also watched by an epoll instance of our own (`hangups`), one event of the loop for all of
// them. A second libevent event on the same socket would do for a FIN, but a reset (EPOLLERR) finds no EV_CLOSED listener in libevent
// 2.1 and spins the loop. Reading is never switched on again for a deferred request: one pipelined request and libevent ends the process.
//
// A client that closed its side may still read (half-close), so a request that is gone stays answerable; if nobody answers it, it is
// ended after kGoneSeconds.
#include "io/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "io/httpd_target.h"

namespace {

constexpr int64_t kGoneSeconds = 120;
constexpr int kListenBacklog = 1024;
// How often the listener is tried again after accept failed (no file descriptor left), and gone requests are looked through.
constexpr timeval kTick = {0, 500000};

struct EventDeleter {
  void operator()(event* ev) const { event_free(ev); }
};
using EventPtr = std::unique_ptr<event, EventDeleter>;

struct Pending {
  evhttp_request* request = nullptr;
  bool watched = false;    // its socket is in `hangups`
  bool gone = false;       // the handler's side was told
  int64_t gone_until = 0;  // monotonic seconds
};

}  // namespace

struct Httpd {
  event_base* base = nullptr;
  evhttp* http = nullptr;
  evhttp_bound_socket* bound = nullptr;  // null once no more is accepted
  HttpLimits limits;
  HttpHandler handler = nullptr;
  HttpGone gone = nullptr;
  void* context = nullptr;

  uint64_t last_id = 0;
  std::unordered_map<uint64_t, Pending> pending;
  size_t gone_count = 0;
  std::unordered_set<evhttp_connection*> unsent;  // answered, not yet handed to the kernel

  int open_connections = 0;
  std::vector<bufferevent*> fresh;  // accepted in this turn; a reference is held on each
  EventPtr fresh_event;
  int hangups_fd = -1;
  EventPtr hangups_event;
  EventPtr tick;
};

static int64_t monotonic_seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

// ---- connections: counted, so that a flood cannot eat every file descriptor ----

static void accept_when_allowed(Httpd* httpd) {
  if (httpd->bound == nullptr) return;
  evconnlistener* listener = evhttp_bound_socket_get_listener(httpd->bound);
  if (httpd->open_connections < httpd->limits.max_connections) {
    evconnlistener_enable(listener);
  } else {
    evconnlistener_disable(listener);
  }
}

// accept failed, most likely for want of file descriptors: the socket stays readable, so without a pause the loop would spin.
static void on_accept_error(evconnlistener* listener, void*) { evconnlistener_disable(listener); }

static void on_connection_closed(evhttp_connection* connection, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  httpd->unsent.erase(connection);
  --httpd->open_connections;
  accept_when_allowed(httpd);
}

// evhttp has no hook for a new connection but this one, which comes before the connection exists: so it is looked up a moment later.
static bufferevent* on_new_connection(event_base* base, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  bufferevent* stream = bufferevent_socket_new(base, -1, 0);
  if (stream == nullptr) return nullptr;
  bufferevent_incref(stream);
  httpd->fresh.push_back(stream);
  event_active(httpd->fresh_event.get(), EV_TIMEOUT, 0);
  ++httpd->open_connections;
  accept_when_allowed(httpd);
  return stream;
}

static void on_fresh_connections(evutil_socket_t, short, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  std::vector<bufferevent*> fresh;
  fresh.swap(httpd->fresh);
  for (bufferevent* stream : fresh) {
    // evhttp gives its connection to the bufferevent's callbacks as their argument, and clears them when it frees it.
    void* owner = nullptr;
    bufferevent_getcb(stream, nullptr, nullptr, nullptr, &owner);
    evhttp_connection* connection = static_cast<evhttp_connection*>(owner);
    if (connection != nullptr && evhttp_connection_get_bufferevent(connection) == stream) {
      evhttp_connection_set_closecb(connection, on_connection_closed, httpd);
    } else {
      --httpd->open_connections;
    }
    bufferevent_decref(stream);
  }
  accept_when_allowed(httpd);
}

// ---- requests in ----

static const char* method_name(const evhttp_request* request) {
  switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET: return "GET";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_HEAD: return "HEAD";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_DELETE: return "DELETE";
    case EVHTTP_REQ_OPTIONS: return "OPTIONS";
    case EVHTTP_REQ_TRACE: return "TRACE";
    case EVHTTP_REQ_CONNECT: return "CONNECT";
    case EVHTTP_REQ_PATCH: return "PATCH";
  }
  return "UNKNOWN";  // evhttp keeps no text of a method it does not know
}

static evutil_socket_t socket_of(evhttp_request* request) {
  evhttp_connection* connection = evhttp_request_get_connection(request);
  return connection == nullptr ? -1 : bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
}

static void watch_for_hangup(Httpd* httpd, uint64_t id, Pending* pending) {
  epoll_event wanted = {};
  wanted.events = EPOLLRDHUP | EPOLLONESHOT;  // errors and resets are always reported
  wanted.data.u64 = id;
  pending->watched = epoll_ctl(httpd->hangups_fd, EPOLL_CTL_ADD, socket_of(pending->request), &wanted) == 0;
}

static void on_request(evhttp_request* request, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  HttpRequest out;
  out.id = ++httpd->last_id;
  out.method = method_name(request);
  out.method_allowed = out.method == "GET" || out.method == "HEAD";
  httpd_target_read(evhttp_request_get_evhttp_uri(request), &out);
  if (evhttp_connection* connection = evhttp_request_get_connection(request)) {
    char* address = nullptr;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(connection, &address, &port);
    if (address != nullptr) out.peer = address;
  }
  httpd->pending[out.id].request = request;
  httpd->handler(httpd->context, out);
  // Most requests have been answered by now; only those that wait are worth the system call.
  auto found = httpd->pending.find(out.id);
  if (found != httpd->pending.end()) watch_for_hangup(httpd, out.id, &found->second);
}

static void on_hangups(evutil_socket_t, short, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  epoll_event events[64];
  const int count = epoll_wait(httpd->hangups_fd, events, 64, 0);
  for (int i = 0; i < count; ++i) {
    const uint64_t id = events[i].data.u64;
    auto found = httpd->pending.find(id);
    if (found == httpd->pending.end() || found->second.gone) continue;
    found->second.gone = true;
    found->second.gone_until = monotonic_seconds() + kGoneSeconds;
    ++httpd->gone_count;
    httpd->gone(httpd->context, id);
  }
}

// ---- answers out ----

static void on_sent(evhttp_request* request, void* arg) {
  static_cast<Httpd*>(arg)->unsent.erase(evhttp_request_get_connection(request));
}

static void send_answer(Httpd* httpd, evhttp_request* request, const HttpAnswer& answer) {
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Content-Type", "application/json");
  evhttp_add_header(headers, "Cache-Control", "no-store");
  if (!answer.location.empty()) evhttp_add_header(headers, "Location", answer.location.c_str());
  if (!answer.allow.empty()) evhttp_add_header(headers, "Allow", answer.allow.c_str());
  if (answer.retry_after_seconds > 0) {
    evhttp_add_header(headers, "Retry-After", std::to_string(answer.retry_after_seconds).c_str());
  }
  const evhttp_cmd_type command = evhttp_request_get_command(request);
  if (command == EVHTTP_REQ_HEAD) {
    // evhttp counts the body only where it sends one.
    evhttp_add_header(headers, "Content-Length", std::to_string(answer.body.size()).c_str());
  } else if (command == EVHTTP_REQ_CONNECT) {
    evhttp_add_header(headers, "Content-Length", "0");  // evhttp sends no body here, and does not close
  } else {
    evbuffer_add(evhttp_request_get_output_buffer(request), answer.body.data(), answer.body.size());
  }
  if (httpd->bound == nullptr) evhttp_add_header(headers, "Connection", "close");
  if (evhttp_connection* connection = evhttp_request_get_connection(request)) {
    httpd->unsent.insert(connection);
    evhttp_request_set_on_complete_cb(request, on_sent, httpd);
  }
  evhttp_send_reply(request, answer.status, nullptr, nullptr);
}

void httpd_answer(Httpd* httpd, uint64_t id, const HttpAnswer& answer) {
  auto found = httpd->pending.find(id);
  if (found == httpd->pending.end()) return;
  const Pending pending = found->second;
  httpd->pending.erase(found);
  if (pending.gone) --httpd->gone_count;
  if (pending.watched) {
    const evutil_socket_t fd = socket_of(pending.request);
    if (fd >= 0) epoll_ctl(httpd->hangups_fd, EPOLL_CTL_DEL, fd, nullptr);
  }
  send_answer(httpd, pending.request, answer);
}

static void on_tick(evutil_socket_t, short, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  accept_when_allowed(httpd);
  if (httpd->gone_count == 0) return;
  std::vector<uint64_t> over;
  const int64_t now = monotonic_seconds();
  for (const auto& [id, pending] : httpd->pending) {
    if (pending.gone && pending.gone_until <= now) over.push_back(id);
  }
  HttpAnswer answer;
  answer.status = 503;
  answer.body = "{\"error\": \"The client closed its side, and nobody answered\"}";
  for (uint64_t id : over) httpd_answer(httpd, id, answer);
}

size_t httpd_waiting(const Httpd* httpd) { return httpd->pending.size() - httpd->gone_count; }

bool httpd_drained(const Httpd* httpd) {
  return httpd->bound == nullptr && httpd_waiting(httpd) == 0 && httpd->unsent.empty();
}

// ---- life ----

void httpd_stop_accepting(Httpd* httpd) {
  if (httpd->bound == nullptr) return;
  evhttp_del_accept_socket(httpd->http, httpd->bound);
  httpd->bound = nullptr;
}

void HttpdDeleter::operator()(Httpd* httpd) const {
  if (httpd->http != nullptr) {
    httpd_stop_accepting(httpd);
    on_fresh_connections(-1, 0, httpd);  // their references
    evhttp_free(httpd->http);
  }
  httpd->hangups_event.reset();
  if (httpd->hangups_fd >= 0) close(httpd->hangups_fd);
  delete httpd;
}

static bool parse_address(std::string address, int port, sockaddr_storage* out, socklen_t* length) {
  if (address == "localhost") address = "127.0.0.1";
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
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

static const char* listen_hint(int error_number) {
  switch (error_number) {
    case EADDRINUSE: return "; another program uses this port: stop it, or set ORCHESTRATOR_PORT";
    case EADDRNOTAVAIL: return "; this machine has no such address: see ORCHESTRATOR_HOST";
    case EACCES: return "; a port below 1024 needs root: set ORCHESTRATOR_PORT";
  }
  return "";
}

// A listening socket, or -1 with errno of the step that failed.
static int listen_on(const sockaddr_storage& address, socklen_t length) {
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // for the connections of a daemon that has just ended
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 && listen(fd, kListenBacklog) == 0) return fd;
  const int failed = errno;
  close(fd);
  errno = failed;
  return -1;
}

HttpdPtr httpd_create(event_base* base, const std::string& address, int port, const HttpLimits& limits,
                      HttpHandler handler, HttpGone gone, void* context, std::string* error) {
  const std::string where = "cannot listen on " + address + ":" + std::to_string(port) + ": ";
  sockaddr_storage parsed;
  socklen_t length = 0;
  if (!parse_address(address, port, &parsed, &length)) {
    *error = where + "not an IPv4 or IPv6 address: see ORCHESTRATOR_HOST";
    return nullptr;
  }
  const int fd = listen_on(parsed, length);
  if (fd < 0) {
    const int failed = errno;
    *error = where + strerror(failed) + listen_hint(failed);
    return nullptr;
  }
  evconnlistener* listener =
      evconnlistener_new(base, nullptr, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
  if (listener == nullptr) {
    close(fd);
    *error = where + "out of memory";
    return nullptr;
  }
  evconnlistener_set_error_cb(listener, on_accept_error);

  HttpdPtr httpd(new Httpd);
  httpd->base = base;
  httpd->limits = limits;
  httpd->handler = handler;
  httpd->gone = gone;
  httpd->context = context;
  httpd->http = evhttp_new(base);
  httpd->hangups_fd = epoll_create1(EPOLL_CLOEXEC);
  httpd->fresh_event.reset(event_new(base, -1, 0, on_fresh_connections, httpd.get()));
  httpd->tick.reset(event_new(base, -1, EV_PERSIST, on_tick, httpd.get()));
  if (httpd->hangups_fd >= 0) {
    httpd->hangups_event.reset(event_new(base, httpd->hangups_fd, EV_READ | EV_PERSIST, on_hangups, httpd.get()));
  }
  if (httpd->http != nullptr) httpd->bound = evhttp_bind_listener(httpd->http, listener);
  if (httpd->bound == nullptr) evconnlistener_free(listener);
  if (httpd->bound == nullptr || !httpd->fresh_event || !httpd->tick || !httpd->hangups_event ||
      event_add(httpd->hangups_event.get(), nullptr) != 0 || event_add(httpd->tick.get(), &kTick) != 0) {
    *error = where + "out of memory or file descriptors";
    return nullptr;
  }
  evhttp_set_allowed_methods(httpd->http, 0xFFFF);  // unknown methods too: the handler answers them in JSON
  evhttp_set_max_headers_size(httpd->http, limits.max_header_bytes);
  evhttp_set_max_body_size(httpd->http, limits.max_body_bytes);
  evhttp_set_timeout(httpd->http, limits.idle_seconds);
  evhttp_set_bevcb(httpd->http, on_new_connection, httpd.get());
  evhttp_set_gencb(httpd->http, on_request, httpd.get());
  return httpd;
}
