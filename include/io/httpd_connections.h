// The connections of the HTTP listener: the stage each is in and since when, so that every wait has an end and newcomers find room.
#ifndef IO_HTTPD_CONNECTIONS_H
#define IO_HTTPD_CONNECTIONS_H

#include <cstddef>
#include <memory>

struct bufferevent;
struct event_base;
struct evhttp_connection;
struct HttpLimits;

// Who is waited for, and for how long at most.
enum class HttpStage {
  Idle,     // the client: no byte of a request has come; HttpLimits::idle_ms
  Reading,  // the client: a request has begun and is not whole; request_ms, whatever dribbles in
  Waiting,  // us: whoever handles the request knows for how long. Never closed to make room
  Sending,  // the client: it has not taken the whole answer; send_ms
};
inline constexpr size_t kHttpStages = 4;

struct HttpConnection;
struct HttpConnections;
struct HttpConnectionsDeleter {
  void operator()(HttpConnections* all) const;  // after evhttp has closed them
};
using HttpConnectionsPtr = std::unique_ptr<HttpConnections, HttpConnectionsDeleter>;

// `closed` is called after each one that ends, whoever ended it. nullptr: out of memory.
HttpConnectionsPtr connections_create(event_base* base, const HttpLimits& limits, void (*closed)(void* context), void* context);
// The stream of one that is being accepted, Idle from now on; evhttp owns it. nullptr: out of memory.
bufferevent* connections_accept(HttpConnections* all);
// Those accepted in this turn are evhttp's by now. To be called before it ends.
void connections_settle(HttpConnections* all);
HttpConnection* connections_find(HttpConnections* all, evhttp_connection* http);  // nullptr: not one of these
void connection_move(HttpConnection* connection, HttpStage stage);
void connection_answered(HttpConnection* connection);  // its answer has left: Idle, or Reading when the next request is there

size_t connections_open(const HttpConnections* all);
size_t connections_in(const HttpConnections* all, HttpStage stage);
// Closes the one that has kept us waiting for longest. False: there is none but those that wait for us, and those answered just now.
bool connections_make_room(HttpConnections* all);
bool connections_can_make_room(const HttpConnections* all);

#endif
