// A stretch of network between two ends on this machine: it can be cut, and it can fall silent with everything still open.
#ifndef SUPPORT_TCP_RELAY_H
#define SUPPORT_TCP_RELAY_H

#include <functional>
#include <memory>

struct Relay;
struct RelayDeleter {
  void operator()(Relay* relay) const;  // stops and joins its thread, closes what is open
};
using RelayPtr = std::unique_ptr<Relay, RelayDeleter>;

// Listens on a free port of 127.0.0.1 and passes all that comes to 127.0.0.1:to_port. nullptr when it cannot.
RelayPtr relay_start(int to_port);
// Given a connection just taken, a socket to its other end; -1: refused. Called by the relay's thread; the caller keeps what it opens.
using RelayConnect = std::function<int(int taken)>;
// The same on a socket that listens already; the relay closes it at its end.
RelayPtr relay_start_on(int listener, RelayConnect other_end);
int relay_port(const Relay* relay);
// While frozen nothing is taken, passed or closed; what was sent meanwhile goes on afterwards.
void relay_freeze(Relay* relay, bool frozen);
// Closes every connection that is open now. Back when that is done.
void relay_cut(Relay* relay);
int relay_accepted(const Relay* relay);  // connections so far

#endif
