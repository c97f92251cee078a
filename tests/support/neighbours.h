// What a session could reach besides its page: this machine's own addresses, and a network beside it with somebody in it.
#ifndef SUPPORT_NEIGHBOURS_H
#define SUPPORT_NEIGHBOURS_H

#include <string>

#include "support/suite.h"

// IPv4, without loopback's, and without those on networks of the engine's that are not this suite's: other tests' come and go, and then the address may be
// anybody's.
Texts host_addresses(const Suite& suite);

// Of a command that runs beside the test until its end, however it ends. Its log is <scene's folder>/<its first word>.log.
void run_beside(Scene* scene, const Texts& command);

// A network namespace that this machine leads to, until the scene's end. Whoever is in it answers HTTP at kOutsidePort of outside_world() and of these
// addresses, which nobody else on this machine may have a route to meanwhile.
inline constexpr int kOutsidePort = 8000;
std::string outside_world(const Suite& suite);  // an address that is nothing special
void outside_make(Scene* scene, const Texts& addresses);

#endif
