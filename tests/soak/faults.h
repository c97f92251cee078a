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

// A line that says of a port that the engine calls it allocated, while no container there has it. An engine (20.10) that is killed while it starts
// a container does that until it is started again.
bool fault_left_port_behind(const Daemon* daemon, const std::string& line);

// Whether this line of the log, `at` bytes from its beginning, or this answer to that client at that time, was provoked by it.
bool fault_explains_line(const Fault& fault, const std::string& line, size_t at);
bool fault_explains_answer(const Fault& fault, const std::string& client, long status, double when);

#endif
