// Each connection is in the list of its stage, ordered by since when: the first is the next to be late, and the first to go when there is no
// room. Who asks something now is always among the last, so those who only hold connections lock nobody out.
#include "io/httpd_connections.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <list>
#include <unordered_map>
#include <vector>

#include "io/host.h"
#include "io/httpd.h"

namespace {

constexpr int64_t kNever = INT64_MAX;
// A flood of so many or more gives its memory back to the system when half of them have gone, and a little later, since libevent frees late.
constexpr size_t kFlood = 512;
constexpr timeval kTrimAfter = {1, 0};

constexpr int kSlotBlock = 1024;

// An answer has so long to leave before its connection can be closed for a newcomer's.
constexpr int64_t kSendGraceMs = 1000;

constexpr char kTooSlow[] =
    "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nConnection: close\r\n"
    "Content-Length: 46\r\n\r\n{\"error\": \"The request took too long to come\"}";

struct EventDeleter {
  void operator()(event* ev) const { event_free(ev); }
};

}  // namespace

struct HttpConnection {
  HttpConnections* all = nullptr;
  std::list<HttpConnection>::iterator self;
  bufferevent* stream = nullptr;      // evhttp's; a reference is held until `http` is known
  evhttp_connection* http = nullptr;  // known once settled
  HttpStage stage = HttpStage::Idle;
  int64_t since_ms = 0;
};

struct HttpConnections {
  event_base* base = nullptr;
  std::array<int64_t, kHttpStages> limit_ms{};
  std::array<std::list<HttpConnection>, kHttpStages> in;
  std::unordered_map<evhttp_connection*, HttpConnection*> by_http;
  std::vector<HttpConnection*> fresh;  // accepted in this turn
  std::unique_ptr<event, EventDeleter> settle, due, trim;
  int64_t due_ms = kNever;
  size_t most = 0;  // open at once since memory was last given back
  int slots = 0;    // see make_slots
  void (*closed)(void* context) = nullptr;
  void* context = nullptr;
};

static std::list<HttpConnection>& list_of(HttpConnections* all, HttpStage stage) { return all->in[static_cast<size_t>(stage)]; }

// ---- stages, and the one timer for all of them ----

static int64_t late_at(const HttpConnection& connection) {
  const int64_t limit = connection.all->limit_ms[static_cast<size_t>(connection.stage)];
  return limit == kNever ? kNever : connection.since_ms + limit;
}

// It is left armed when the connection it was armed for has moved on: rather one look in vain a minute than a new timer for every request.
static void arm(HttpConnections* all, int64_t at_ms) {
  if (at_ms >= all->due_ms) return;
  all->due_ms = at_ms;
  const int64_t wait_ms = std::max<int64_t>(at_ms - host_monotonic_ms(), 0);
  const timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};
  event_add(all->due.get(), &wait);
}

void connection_move(HttpConnection* connection, HttpStage stage) {
  HttpConnections* all = connection->all;
  list_of(all, stage).splice(list_of(all, stage).end(), list_of(all, connection->stage), connection->self);
  connection->stage = stage;
  connection->since_ms = host_monotonic_ms();
  arm(all, late_at(*connection));
}

void connection_answered(HttpConnection* connection) {
  const bool more = evbuffer_get_length(bufferevent_get_input(connection->stream)) > 0;
  connection_move(connection, more ? HttpStage::Reading : HttpStage::Idle);
}

static void on_bytes(evbuffer*, const evbuffer_cb_info* info, void* arg) {
  HttpConnection* connection = static_cast<HttpConnection*>(arg);
  if (info->n_added > 0 && connection->stage == HttpStage::Idle) connection_move(connection, HttpStage::Reading);
}

// ---- the end of one ----

static void forget(HttpConnection* connection) {
  HttpConnections* all = connection->all;
  if (connection->http != nullptr) all->by_http.erase(connection->http);
  list_of(all, connection->stage).erase(connection->self);
  if (all->most >= kFlood && connections_open(all) < all->most / 2 && !event_pending(all->trim.get(), EV_TIMEOUT, nullptr))
    event_add(all->trim.get(), &kTrimAfter);
  all->closed(all->context);
}

static void on_trim(evutil_socket_t, short, void* arg) {
  HttpConnections* all = static_cast<HttpConnections*>(arg);
  all->most = connections_open(all);
  malloc_trim(0);
}

static void on_closed(evhttp_connection*, void* arg) {
  HttpConnection* connection = static_cast<HttpConnection*>(arg);
  evbuffer_remove_cb(bufferevent_get_input(connection->stream), on_bytes, connection);
  forget(connection);
}

static void end(const HttpConnection& connection) {
  // Nothing of ours is on its way to this client, so these bytes come first; should there be no room for them, they are left out.
  if (connection.stage == HttpStage::Reading)
    send(bufferevent_getfd(connection.stream), kTooSlow, strlen(kTooSlow), MSG_DONTWAIT | MSG_NOSIGNAL);
  evhttp_connection_free(connection.http);
}

static void on_due(evutil_socket_t, short, void* arg) {
  HttpConnections* all = static_cast<HttpConnections*>(arg);
  all->due_ms = kNever;
  const int64_t now = host_monotonic_ms();
  for (auto& list : all->in) {
    while (!list.empty() && late_at(list.front()) <= now) end(list.front());
    if (!list.empty()) arm(all, late_at(list.front()));
  }
}

static const HttpConnection* longest(const HttpConnections* all) {
  const HttpConnection* found = nullptr;
  const int64_t answered_before = host_monotonic_ms() - kSendGraceMs;
  for (const auto& list : all->in) {
    if (list.empty() || list.front().stage == HttpStage::Waiting) continue;
    if (list.front().stage == HttpStage::Sending && list.front().since_ms > answered_before) continue;
    if (found == nullptr || list.front().since_ms < found->since_ms) found = &list.front();
  }
  return found;
}

bool connections_can_make_room(const HttpConnections* all) { return longest(all) != nullptr; }

bool connections_make_room(HttpConnections* all) {
  connections_settle(all);
  const HttpConnection* found = longest(all);
  if (found != nullptr) end(*found);
  return found != nullptr;
}

// ---- the beginning of one ----

static void on_nothing(evutil_socket_t, short, void*) {}

// libevent keeps some bytes for every descriptor number it has seen, for good. Made one by one amid the memory of connections, each of
// them would hold a page of that (seen: 26 of 28 MB after 11,000 connections); so they are made ahead, in blocks.
static void make_slots(HttpConnections* all) {
  const int any = eventfd(0, EFD_CLOEXEC);
  for (const int end = all->slots + kSlotBlock; all->slots < end; ++all->slots) {
    const int fd = fcntl(any, F_DUPFD_CLOEXEC, all->slots);
    if (fd < 0) break;  // no more numbers than that
    event one;
    event_assign(&one, all->base, fd, EV_READ, on_nothing, nullptr);
    event_add(&one, nullptr);
    event_del(&one);
    close(fd);
  }
  close(any);
}

bufferevent* connections_accept(HttpConnections* all) {
  bufferevent* stream = bufferevent_socket_new(all->base, -1, 0);
  if (stream == nullptr) return nullptr;
  auto& idle = list_of(all, HttpStage::Idle);
  HttpConnection& connection = idle.emplace_back();
  connection.all = all;
  connection.self = std::prev(idle.end());
  connection.stream = stream;
  connection.since_ms = host_monotonic_ms();
  evbuffer_add_cb(bufferevent_get_input(stream), on_bytes, &connection);
  all->most = std::max(all->most, connections_open(all));
  if (static_cast<int>(connections_open(all)) + kSlotBlock / 4 > all->slots) make_slots(all);
  arm(all, late_at(connection));
  // evhttp has no hook for a new connection but this one, which comes before the connection exists: it is looked up a moment later.
  bufferevent_incref(stream);
  all->fresh.push_back(&connection);
  event_active(all->settle.get(), EV_TIMEOUT, 0);
  return stream;
}

void connections_settle(HttpConnections* all) {
  std::vector<HttpConnection*> fresh;
  fresh.swap(all->fresh);
  for (HttpConnection* connection : fresh) {
    bufferevent* stream = connection->stream;
    // evhttp gives its connection to the bufferevent's callbacks as their argument, and clears them when it frees it.
    void* owner = nullptr;
    bufferevent_getcb(stream, nullptr, nullptr, nullptr, &owner);
    evhttp_connection* http = static_cast<evhttp_connection*>(owner);
    if (http != nullptr && evhttp_connection_get_bufferevent(http) == stream) {
      connection->http = http;
      all->by_http[http] = connection;
      evhttp_connection_set_closecb(http, on_closed, connection);
    } else {
      evbuffer_remove_cb(bufferevent_get_input(stream), on_bytes, connection);
      forget(connection);
    }
    bufferevent_decref(stream);
  }
}

static void on_settle(evutil_socket_t, short, void* arg) { connections_settle(static_cast<HttpConnections*>(arg)); }

HttpConnection* connections_find(HttpConnections* all, evhttp_connection* http) {
  auto found = all->by_http.find(http);
  return found == all->by_http.end() ? nullptr : found->second;
}

size_t connections_in(const HttpConnections* all, HttpStage stage) { return all->in[static_cast<size_t>(stage)].size(); }

size_t connections_open(const HttpConnections* all) {
  size_t sum = 0;
  for (const auto& list : all->in) sum += list.size();
  return sum;
}

// ---- life ----

void HttpConnectionsDeleter::operator()(HttpConnections* all) const { delete all; }

HttpConnectionsPtr connections_create(event_base* base, const HttpLimits& limits, void (*closed)(void* context), void* context) {
  HttpConnectionsPtr all(new HttpConnections);
  all->base = base;
  all->limit_ms = {limits.idle_ms, limits.request_ms, kNever, limits.send_ms};  // in HttpStage's order
  all->closed = closed;
  all->context = context;
  all->settle.reset(event_new(base, -1, 0, on_settle, all.get()));
  all->due.reset(event_new(base, -1, 0, on_due, all.get()));
  all->trim.reset(event_new(base, -1, 0, on_trim, all.get()));
  if (!all->settle || !all->due || !all->trim) return nullptr;
  make_slots(all.get());
  return all;
}
