// The people of a day: each comes, asks, reloads, maybe asks for another size, hangs up, ends the session or just goes away.
#ifndef SOAK_VISITORS_H
#define SOAK_VISITORS_H

#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "support/daemon.h"

// An answer that the visitor had not come for.
struct Surprise {
  double at = 0;  // now_seconds()
  std::string client, path, text;
  long status = 0;
};

// What all visitors have met; theirs to write, and read once they are gone.
struct Meeting {
  std::mutex mutex;
  std::map<long, size_t> statuses;
  size_t full = 0;  // 503 since all ports were on their way to others
  size_t hung_up = 0;
  std::vector<Surprise> surprises;
};

struct Visitor {
  std::string client;
  double arrives = 0, leaves = 0;  // now_seconds()
  int reloads = 0;                 // over the stay
  bool hangs_up = false;           // on the first try
  bool resizes = false;
  bool removes = false;  // its session, before it goes
  std::string size;      // "", or "&width=..&height=.."
};

// One whole visit, on a thread of its own.
void visitor_live(const Visitor& visitor, const Daemon* daemon, Meeting* meeting);

#endif
