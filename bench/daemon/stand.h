// What the rows share: daemons as users run them with as many sessions as wanted, and a client that asks and takes the time.
#ifndef BENCH_DAEMON_STAND_H
#define BENCH_DAEMON_STAND_H

#include <memory>
#include <string>
#include <vector>

#include "bench/support/rounds.h"
#include "bench/support/table.h"
#include "support/daemon.h"

inline constexpr const char* kResults = "bench/out/results.json";
inline constexpr const char* kSessionImage = "localhost/vnc-orchestrator-session:latest";

void row_done(const Row& row);
// Beside the rows, for plots: a series of (x, y) or of named values under `name`; each call adds one point.
void point_add(const std::string& series, const std::string& x, double y);

// A daemon with the settings that users have: log and state on, LOG_LEVEL as it comes, stderr where start.sh and the init script leave it.
// `number`: which of the scene's; 0 is the first.
Daemon* stand_daemon(Scene* scene, int number);

struct Crew {
  int sessions = 0;
  int pool = 0;
  int spare = 0;          // ports that are free when all is there
  int viewers = -1;       // of each session, whose process is then a real one; -1: no process
  bool started = true;    // false: all is prepared, and the daemon yet to be started
};
// The daemon on a stand-in engine of its own (tests/standin), with so many sessions, of clients crew_client(0), (1) ..., and a full pool. What a
// range of 1,000 ports does not hold is on ports outside of it, as after a change of settings.
void stand_crew(Scene* scene, Daemon* daemon, const Crew& crew);
std::string crew_client(int number);

// One connection, kept, on which one asks after the other. Fails the row when it breaks.
struct Line {
  int fd = -1;
};
struct LineDeleter {
  void operator()(Line* line) const;
};
using LinePtr = std::unique_ptr<Line, LineDeleter>;
LinePtr line_open(int port);
// Milliseconds until the whole answer is there; it must have this status. *answer: its bytes, when wanted.
double line_ask(Line* line, const std::string& path, int status = 302, std::string* answer = nullptr);

// The same in two steps, for what others do meanwhile.
void line_send(Line* line, const std::string& path);
std::string line_hear(Line* line, const std::string& path, int status);

// Everything of one answer to GET `path`, headers and body.
std::string answer_bytes(int port, const std::string& path);

// What one session of this daemon is launched with, by the daemon's own rules: for those who launch it without the daemon.
struct LaunchSpec;
LaunchSpec launch_spec(const Daemon* daemon, const std::string& name, int port);

#endif
