// The HTTP listener over evhttp (libevent 2.1): requests out as values, answers back by number.
//
// How a request goes: evhttp stops reading from a connection while its request is unanswered, so it cannot see a client leave. Requests
// that are not answered at once are therefore also watched by an epoll instance of our own (`hangups`), one event of the loop for all of
// them. A second libevent event on the same socket would do for a FIN, but a reset (EPOLLERR) finds no EV_CLOSED listener in libevent
// 2.1 and spins the loop. Reading is never switched on again for a deferred request: one pipelined request and libevent ends the process.
//
// A client that closed its side may still read (half-close): whoever handled its request owes it nothing any more, so it is told so here.
#include "io/httpd.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "codec/text.h"
#include "io/host.h"
#include "io/httpd_connections.h"
#include "io/httpd_listen.h"
#include "io/httpd_target.h"

namespace {

// How soon accept is tried again when it failed, or all wait for us, and nothing came of it meanwhile.
constexpr timeval kAcceptPause = {1, 0};
constexpr int64_t kSayEveryMs = 60000;

struct EventDeleter {
  void operator()(event* ev) const { event_free(ev); }
};
using EventPtr = std::unique_ptr<event, EventDeleter>;

struct Pending {
  evhttp_request* request = nullptr;
  bool watched = false;  // its socket is in `hangups`
};

// Something that befalls many connections and is said once for all of them, and once a minute while it goes on.
struct Trouble {
  int64_t said_ms = INT64_MIN;
  size_t since = 0;  // connections, since it was last said
};

}  // namespace

struct Httpd {
  event_base* base = nullptr;
  evhttp* http = nullptr;
  evhttp_bound_socket* bound = nullptr;  // null once no more is accepted
  HttpPlace place;
  uint64_t inode = 0;  // of the unix socket
  HttpLimits limits;
  HttpHooks hooks;

  uint64_t last_id = 0;
  evhttp_request* in_hand = nullptr;  // with number last_id, while the handler has it and has not answered: most are answered by then
  std::string run;  // tells labels of this listener from those of others, and of earlier ones
  std::unordered_map<uint64_t, Pending> pending;

  HttpConnectionsPtr connections;
  bool paused = false;  // the listener
  Trouble full, starved;
  EventPtr accept_again;
  int hangups_fd = -1;
  EventPtr hangups_event;
};

// ---- connections: a flood must neither eat every file descriptor nor keep others out ----

static void say(Httpd* httpd, Trouble* trouble, const std::string& text) {
  trouble->since++;
  const int64_t now = host_monotonic_ms();
  if (httpd->hooks.notice == nullptr || (trouble->said_ms != INT64_MIN && now - trouble->said_ms < kSayEveryMs)) return;
  httpd->hooks.notice(httpd->hooks.context, text + (trouble->since > 1 ? " (" + std::to_string(trouble->since) + " times)" : ""));
  *trouble = {now, 0};
}

static void pause_accepting(Httpd* httpd) {
  httpd->paused = true;
  evconnlistener_disable(evhttp_bound_socket_get_listener(httpd->bound));
  event_add(httpd->accept_again.get(), &kAcceptPause);
}

// Newcomers take the place of others, but not of those who wait for us: where all do, they stay in the kernel's queue.
static void accept_when_allowed(void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  if (httpd->bound == nullptr) return;
  const HttpConnections* all = httpd->connections.get();
  const bool room = connections_open(all) < static_cast<size_t>(httpd->limits.max_connections) || connections_can_make_room(all);
  if (room != httpd->paused) return;
  if (!room) {
    pause_accepting(httpd);
  } else {
    httpd->paused = false;
    evconnlistener_enable(evhttp_bound_socket_get_listener(httpd->bound));
  }
}

static void on_accept_again(evutil_socket_t, short, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  accept_when_allowed(httpd);
  if (httpd->paused && httpd->bound != nullptr) event_add(httpd->accept_again.get(), &kAcceptPause);
}

static bufferevent* on_new_connection(event_base*, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  HttpConnections* all = httpd->connections.get();
  while (connections_open(all) >= static_cast<size_t>(httpd->limits.max_connections) && connections_make_room(all)) {
    say(httpd, &httpd->full,
        "All " + std::to_string(httpd->limits.max_connections) +
            " connections are taken: the one that has been idle for longest is closed for each new one. See who holds them (ss -tn), or raise "
            "MAX_CONNECTIONS");
  }
  return connections_accept(all);
}

static void on_hangups(evutil_socket_t fd, short what, void* arg);

struct Wanted {
  evconnlistener* listener;
  Httpd* httpd;
};

static int is_of_listener(const event_base*, const event* ev, void* arg) {
  Wanted* wanted = static_cast<Wanted*>(arg);
  if (event_get_callback(ev) != on_hangups) return 0;
  Httpd* httpd = static_cast<Httpd*>(event_get_callback_arg(ev));
  if (httpd->bound == nullptr || evhttp_bound_socket_get_listener(httpd->bound) != wanted->listener) return 0;
  wanted->httpd = httpd;
  return 1;
}

// accept failed, most likely for want of file descriptors. The socket stays readable, so without a pause the loop would spin. The argument
// is evhttp's, which leads nowhere: whose listener it is, is seen from an event that is always there.
static void on_accept_error(evconnlistener* listener, void*) {
  const int failed = errno;
  Wanted wanted = {listener, nullptr};
  event_base_foreach_event(evconnlistener_get_base(listener), is_of_listener, &wanted);
  Httpd* httpd = wanted.httpd;
  if (httpd == nullptr) return;
  say(httpd, &httpd->starved,
      std::string("No new connection can be taken: ") + strerror(failed) +
          (failed == EMFILE ? ". Idle ones are closed for it. Raise the limit on open files (ulimit -n, LimitNOFILE=), or lower MAX_CONNECTIONS"
                            : ". Tried again every second"));
  // One given up lets one in. What the whole machine lacks, somebody else would take.
  if (failed == EMFILE && connections_make_room(httpd->connections.get())) return;
  pause_accepting(httpd);
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

static HttpConnection* connection_of(Httpd* httpd, evhttp_request* request) {
  return connections_find(httpd->connections.get(), evhttp_request_get_connection(request));
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

// Short, since it is in every line: six digits of this listener's own, and the request's number.
static std::string made_label(const Httpd* httpd, uint64_t id) {
  char text[32];
  snprintf(text, sizeof text, "%s-%llx", httpd->run.c_str(), static_cast<unsigned long long>(id - httpd->hooks.ids_after));
  return text;
}

static void on_request(evhttp_request* request, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  HttpRequest out;
  out.id = ++httpd->last_id;
  out.method = method_name(request);
  out.method_allowed = out.method == "GET" || out.method == "HEAD";
  httpd_target_read(evhttp_request_get_evhttp_uri(request), &out);
  httpd_source_read(evhttp_request_get_input_headers(request), &out);
  if (!text_is_request_id(out.label)) out.label = made_label(httpd, out.id);
  evhttp_add_header(evhttp_request_get_output_headers(request), "X-Request-Id", out.label.c_str());
  if (!httpd->place.socket.empty()) {
    // No browser comes by a unix socket, so no page has it named wrongly.
    out.source.host.clear();
    out.peer = httpd->place.socket;
  } else if (evhttp_connection* connection = evhttp_request_get_connection(request)) {
    char* address = nullptr;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(connection, &address, &port);
    if (address != nullptr) out.peer = address;
  }
  if (HttpConnection* connection = connection_of(httpd, request)) connection_move(connection, HttpStage::Waiting);
  accept_when_allowed(httpd);
  httpd->in_hand = request;
  httpd->hooks.handler(httpd->hooks.context, out);
  if (httpd->in_hand == nullptr) return;
  // Only those that wait are worth the system call.
  httpd->in_hand = nullptr;
  Pending& waits = httpd->pending[out.id];
  waits.request = request;
  watch_for_hangup(httpd, out.id, &waits);
}

// ---- answers out ----

static void on_sent(evhttp_request* request, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  if (HttpConnection* connection = connection_of(httpd, request)) connection_answered(connection);
  if (httpd->paused) accept_when_allowed(httpd);
}

static void send_answer(Httpd* httpd, evhttp_request* request, const HttpAnswer& answer) {
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Content-Type", answer.content_type);
  evhttp_add_header(headers, "Cache-Control", "no-store");
  if (!answer.location.empty()) evhttp_add_header(headers, "Location", answer.location.c_str());
  if (!answer.allow.empty()) evhttp_add_header(headers, "Allow", answer.allow.c_str());
  if (!answer.authenticate.empty()) evhttp_add_header(headers, "WWW-Authenticate", answer.authenticate.c_str());
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
  if (HttpConnection* connection = connection_of(httpd, request)) {
    connection_move(connection, HttpStage::Sending);
    evhttp_request_set_on_complete_cb(request, on_sent, httpd);
  }
  evhttp_send_reply(request, answer.status, nullptr, nullptr);
}

void httpd_answer(Httpd* httpd, uint64_t id, const HttpAnswer& answer) {
  if (httpd->in_hand != nullptr && id == httpd->last_id) {
    send_answer(httpd, std::exchange(httpd->in_hand, nullptr), answer);
    return;
  }
  auto found = httpd->pending.find(id);
  if (found == httpd->pending.end()) return;
  const Pending pending = found->second;
  httpd->pending.erase(found);
  if (pending.watched) {
    const evutil_socket_t fd = socket_of(pending.request);
    if (fd >= 0) epoll_ctl(httpd->hangups_fd, EPOLL_CTL_DEL, fd, nullptr);
  }
  send_answer(httpd, pending.request, answer);
}

static void on_hangups(evutil_socket_t, short, void* arg) {
  Httpd* httpd = static_cast<Httpd*>(arg);
  epoll_event events[64];
  const int count = epoll_wait(httpd->hangups_fd, events, 64, 0);
  for (int i = 0; i < count; ++i) {
    const uint64_t id = events[i].data.u64;
    if (httpd->pending.count(id) == 0) continue;
    httpd->hooks.gone(httpd->hooks.context, id);
    HttpAnswer answer;
    answer.status = 503;
    answer.retry_after_seconds = 1;
    answer.body = "{\"error\": \"The client closed its side of the connection before the answer. What it asked for goes on: ask again.\"}";
    httpd_answer(httpd, id, answer);
  }
}

size_t httpd_waiting(const Httpd* httpd) { return httpd->pending.size() + (httpd->in_hand != nullptr ? 1 : 0); }

bool httpd_drained(const Httpd* httpd) {
  return httpd->bound == nullptr && httpd_waiting(httpd) == 0 && connections_in(httpd->connections.get(), HttpStage::Sending) == 0;
}

// ---- life ----

void httpd_stop_accepting(Httpd* httpd) {
  if (httpd->bound == nullptr) return;
  evhttp_del_accept_socket(httpd->http, httpd->bound);
  httpd->bound = nullptr;
  httpd_unlisten(httpd->place, httpd->inode);
}

void HttpdDeleter::operator()(Httpd* httpd) const {
  if (httpd->http != nullptr && httpd->connections) {
    httpd_stop_accepting(httpd);
    connections_settle(httpd->connections.get());
  }
  if (httpd->http != nullptr) evhttp_free(httpd->http);
  httpd->hangups_event.reset();
  if (httpd->hangups_fd >= 0) close(httpd->hangups_fd);
  delete httpd;
}

HttpdPtr httpd_create(event_base* base, const HttpPlace& place, const HttpLimits& limits, const HttpHooks& hooks, std::string* error) {
  const int fd = httpd_listen(place, error);
  if (fd < 0) return nullptr;
  evconnlistener* listener =
      evconnlistener_new(base, nullptr, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
  if (listener == nullptr) {
    close(fd);
    *error = "cannot listen: out of memory";
    return nullptr;
  }
  evconnlistener_set_error_cb(listener, on_accept_error);

  HttpdPtr httpd(new Httpd);
  httpd->base = base;
  httpd->place = place;
  httpd->inode = httpd_listen_inode(place);
  httpd->limits = limits;
  httpd->hooks = hooks;
  httpd->last_id = hooks.ids_after;
  httpd->run = host_random_id().substr(0, 6);
  httpd->http = evhttp_new(base);
  httpd->hangups_fd = epoll_create1(EPOLL_CLOEXEC);
  httpd->connections = connections_create(base, limits, accept_when_allowed, httpd.get());
  httpd->accept_again.reset(event_new(base, -1, 0, on_accept_again, httpd.get()));
  if (httpd->hangups_fd >= 0) {
    httpd->hangups_event.reset(event_new(base, httpd->hangups_fd, EV_READ | EV_PERSIST, on_hangups, httpd.get()));
  }
  if (httpd->http != nullptr) httpd->bound = evhttp_bind_listener(httpd->http, listener);
  if (httpd->bound == nullptr) evconnlistener_free(listener);
  if (httpd->bound == nullptr || !httpd->connections || !httpd->accept_again || !httpd->hangups_event ||
      event_add(httpd->hangups_event.get(), nullptr) != 0) {
    *error = "cannot listen: out of memory or file descriptors";
    return nullptr;
  }
  evhttp_set_allowed_methods(httpd->http, 0xFFFF);  // unknown methods too: the handler answers them in JSON
  evhttp_set_max_headers_size(httpd->http, limits.max_header_bytes);
  evhttp_set_max_body_size(httpd->http, limits.max_body_bytes);
  // evhttp's own, which begins anew with every byte, is only the net below the stages'.
  evhttp_set_timeout(httpd->http, static_cast<int>(2 * std::max({limits.idle_ms, limits.request_ms, limits.send_ms}) / 1000 + 1));
  evhttp_set_bevcb(httpd->http, on_new_connection, httpd.get());
  evhttp_set_gencb(httpd->http, on_request, httpd.get());
  return httpd;
}
