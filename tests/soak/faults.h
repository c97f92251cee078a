// What goes wrong on a day of the long run, one thing a day, each written down so that the errors it provokes can be told from others.
#ifndef SOAK_FAULTS_H
#define SOAK_FAULTS_H

#include <string>

#include "support/daemon.h"
#include "support/private_engine.h"

struct Fault {
  std::string what;     // "" on a day without
  Texts words;          // a line of the log or an answer with one of these was provoked
  bool engine = false;  // all that goes wrong from log_from on was provoked
  bool engine_killed = false;
  bool removed_all = false;
  size_t log_from = 0;
  double from = 0;  // now_seconds()
};

inline constexpr int kFaultKinds = 10;

// Waits meanwhile for what ends by itself (a pause, a frozen engine). Does nothing when there is nobody it could befall.
Fault fault_provoke(int kind, Daemon* daemon, PrivateEngine* engine, const std::string& network);

// The port of which the line says that the engine calls it allocated; 0: it says nothing of the kind. An engine (20.10) that is killed while it
// starts a container may go on saying so for a quarter of an hour, though no container has that port.
int fault_allocated_port(const std::string& line);
bool fault_port_is_had(const Daemon* daemon, int port);  // by a container, in any state

// Whether this line of the log, `at` bytes from its beginning, or this answer to that client at that time, was provoked by it.
bool fault_explains_line(const Fault& fault, const std::string& line, size_t at);
bool fault_explains_answer(const Fault& fault, const std::string& client, long status, double when);

#endif
