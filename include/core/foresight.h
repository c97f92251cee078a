// What the pool expects: how many new sessions will be asked for at once, learnt from when they were asked for. The rule in words, and what
// it costs and saves, is in docs/POOL.md.
#ifndef CORE_FORESIGHT_H
#define CORE_FORESIGHT_H

#include <array>
#include <cstdint>
#include <deque>

inline constexpr int kQuarterSeconds = 900;
inline constexpr int kQuartersOfDay = 96;
inline constexpr int kQuartersOfWeek = 7 * kQuartersOfDay;

// Of quarters of an hour that are alike, the older the lighter.
struct Demand {
  double quarters = 0;  // how many, weighed: 0 means that nothing is known
  double asked = 0;     // new sessions asked for
  double crowd = 0;     // the sum, over these, of how many others had been asked for within one launch before
  double crowd2 = 0;    // the sum of its squares
};

// Who tells what the next quarter of an hour will be like.
enum class Seer {
  Week,    // as at this time of the last weeks
  Day,     // as at this time of the last days
  Hour,    // as just now
  Always,  // as ever
};
inline constexpr int kSeers = 4;

struct Foresight {
  std::array<Demand, kQuartersOfWeek> week;
  std::array<Demand, kQuartersOfDay> day;
  Demand hour, always;
  std::array<double, kSeers> trust{};  // logarithm of how right each has been lately; the best has 0

  int64_t quarter = -1;  // under way, counted from 1970 in local time; -1: none has begun
  Demand now;            // what has been asked for in it; `quarters` stays 0
  std::deque<int64_t> lately;  // when, in local milliseconds: what came within one launch
  double lead_s = 5;     // how long a launch takes, on the safe side
  double lead_mean_s = 5, lead_spread_s = 0;
};

// Local wall clock, milliseconds since 1970. A clock that goes back by less than an hour is taken for standing still; of a longer jump, and of an
// hour and more without a call, nothing is learnt.
void foresight_asked(Foresight* foresight, int64_t local_ms);     // a new session is asked for: from the pool or not
void foresight_pass(Foresight* foresight, int64_t local_ms);      // time has passed
void foresight_launched(Foresight* foresight, double seconds);    // a container has become ready in so long
// How many containers should be ready now: of those who ask for one, no more than this share (0 to 1) should find none.
// What is expected within the time that a large pool takes to be filled counts as expected now.
int foresight_target(const Foresight& foresight, int64_t local_ms, double miss);

#endif
