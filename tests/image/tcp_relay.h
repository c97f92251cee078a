// A stretch of network between a browser and a session, on 127.0.0.1: it can be cut, and it can fall silent with everything still open.
#ifndef IMAGE_TCP_RELAY_H
#define IMAGE_TCP_RELAY_H

#include <memory>

struct Relay;
struct RelayDeleter {
  void operator()(Relay* relay) const;  // stops and joins its thread, closes what is open
};
using RelayPtr = std::unique_ptr<Relay, RelayDeleter>;

// Listens on a free port and passes all that comes to 127.0.0.1:to_port. nullptr when it cannot.
RelayPtr relay_start(int to_port);
int relay_port(const Relay* relay);
// While frozen nothing is taken, passed or closed; what was sent meanwhile goes on afterwards.
void relay_freeze(Relay* relay, bool frozen);
// Closes every connection that is open now. Back when that is done.
void relay_cut(Relay* relay);
int relay_accepted(const Relay* relay);  // connections so far

#endif
