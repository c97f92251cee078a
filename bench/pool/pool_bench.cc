// The pool's foresight against pools of fixed sizes, over weeks of made-up work: who finds the pool empty, and how long containers stand ready for
// nobody. One thread, no clock: the same seed gives the same figures.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/foresight.h"

namespace {

constexpr double kDay = 86400, kWeek = 7 * kDay;
constexpr int kWeeksBefore = 3, kWeeks = 6;  // to learn, and those that count
constexpr double kMiss = 0.01;
constexpr int kAtOnce = 4;          // launches of the pool at once, core/rules.h
constexpr double kSurplusS = 600;   // core/rules.h
constexpr int kFixedMost = 20;

using Random = std::mt19937_64;
using Asked = std::vector<double>;  // seconds since the first Monday, 00:00

double uniform(Random& random, double from, double to) { return std::uniform_real_distribution<double>(from, to)(random); }
double normal(Random& random, double mean, double spread) { return std::normal_distribution<double>(mean, spread)(random); }

// People who come independently of one another, `rate` of them an hour.
void come(Random& random, double from, double to, double rate, Asked* asked) {
  if (rate <= 0) return;
  std::exponential_distribution<double> pause(rate / 3600);
  for (double at = from + pause(random); at < to; at += pause(random)) asked->push_back(at);
}

// A crowd of about so many around a moment.
void arrive(Random& random, double at, double spread, double people, Asked* asked) {
  const int count = std::poisson_distribution<int>(people)(random);
  for (int i = 0; i < count; ++i) asked->push_back(normal(random, at, spread));
}

// ---- The patterns. `day`: counted from 0, a Monday.

void steady(Random& random, int day, Asked* asked) { come(random, day * kDay, (day + 1) * kDay, 40, asked); }

// An office: all come at nine, some again after lunch, nobody at weekends.
void wave(Random& random, int day, Asked* asked) {
  if (day % 7 >= 5) return;
  const double morning = day * kDay;
  arrive(random, morning + 9 * 3600, 360, 80, asked);
  arrive(random, morning + 13.5 * 3600, 600, 30, asked);
  come(random, morning + 8 * 3600, morning + 18 * 3600, 6, asked);
}

// A call centre: two shifts on all days, smaller ones at weekends.
void shifts(Random& random, int day, Asked* asked) {
  const double morning = day * kDay, people = day % 7 >= 5 ? 20 : 60;
  for (const double hour : {6.0, 14.0}) arrive(random, morning + hour * 3600, 240, people, asked);
  come(random, morning + 6 * 3600, morning + 22 * 3600, 4, asked);
}

// No pattern: each hour has a rate of its own.
void random_hours(Random& random, int day, Asked* asked) {
  for (int hour = 0; hour < 24; ++hour) {
    const double from = day * kDay + hour * 3600;
    come(random, from, from + 3600, 20 * std::exp(normal(random, 0, 0.5)), asked);
  }
}

// Not looked at while the rule was made. A hospital: a curve over the day, visits at change of duty, a holiday now and then, and in the middle
// of it all the morning moves from seven to six.
void hospital(Random& random, int day, Asked* asked) {
  const double morning = day * kDay;
  const bool is_holiday = uniform(random, 0, 1) < 0.05;
  const double people = is_holiday ? 0.3 : day % 7 >= 5 ? 0.6 : 1;
  for (int hour = 0; hour < 24; ++hour) {
    const double from = morning + hour * 3600;
    come(random, from, from + 3600, people * (4 + 16 * std::max(0.0, std::sin((hour - 6) / 14.0 * 3.14159))), asked);
  }
  const double early = day >= 7 * (kWeeksBefore + kWeeks / 2) ? 3600 : 0;
  for (const double hour : {7.0, 13.0, 19.0}) arrive(random, morning + hour * 3600 - early, 300, 25 * people, asked);
}

struct Pattern {
  const char* name;
  void (*day)(Random&, int, Asked*);
  bool has_times;  // people come at certain hours
};
constexpr Pattern kPatterns[] = {{"steady", steady, false}, {"random", random_hours, false}, {"nine o'clock", wave, true}, {"two shifts", shifts, true}, {"hospital (unseen)", hospital, true}};

Asked asked_in(const Pattern& pattern, uint64_t seed) {
  Random random(seed);
  Asked asked;
  for (int day = 0; day < 7 * (kWeeksBefore + kWeeks); ++day) pattern.day(random, day, &asked);
  std::sort(asked.begin(), asked.end());
  std::erase_if(asked, [](double at) { return at < 0; });
  return asked;
}

// ---- The pool, as core/pool.cc keeps it.

struct Outcome {
  double misses = 0;      // of those who asked, in the weeks that count
  double idle_hours = 0;  // container-hours a day
};

struct Pool {
  Foresight foresight;
  int fixed = -1;  // -1: as the foresight has it
  int ready = 0, target = 0;
  double surplus_since = -1;
  std::vector<double> coming;  // launches of the pool, by when they are done
  double at = 0, idle_s = 0;
  int64_t asked = 0, missed = 0;
  Random random{7};
};

int64_t ms(double seconds) { return static_cast<int64_t>(seconds * 1000) + int64_t{4} * 86400000; }  // 1970 began on a Thursday

void pass_to(Pool& pool, double to) {
  if (to > kWeeksBefore * kWeek) pool.idle_s += pool.ready * (to - std::max(pool.at, kWeeksBefore * kWeek));
  pool.at = to;
}

void tend(Pool& pool) {
  if (pool.fixed >= 0) {
    pool.target = pool.fixed;
  } else {
    foresight_pass(&pool.foresight, ms(pool.at));
    pool.target = foresight_target(pool.foresight, ms(pool.at), kMiss);
  }
  if (pool.ready <= pool.target) {
    pool.surplus_since = -1;
  } else if (pool.surplus_since < 0) {
    pool.surplus_since = pool.at;
  } else if (pool.at - pool.surplus_since >= kSurplusS) {
    pool.ready = pool.target;
  }
  while (pool.ready + static_cast<int>(pool.coming.size()) < pool.target && pool.coming.size() < kAtOnce)
    pool.coming.push_back(pool.at + uniform(pool.random, 4, 8));
}

void launched(Pool& pool, std::vector<double>::iterator one) {
  pool.coming.erase(one);
  pool.ready++;
  foresight_launched(&pool.foresight, uniform(pool.random, 4, 8));
}

void ask(Pool& pool) {
  if (pool.fixed < 0) foresight_asked(&pool.foresight, ms(pool.at));
  const bool counts = pool.at > kWeeksBefore * kWeek;
  pool.asked += counts;
  if (pool.ready > 0) {
    pool.ready--;
    return;
  }
  pool.missed += counts;
  // Who comes too early takes the launch that is furthest; the next is the pool's.
  if (!pool.coming.empty()) pool.coming.erase(std::min_element(pool.coming.begin(), pool.coming.end()));
}

Outcome work(const Asked& asked, int fixed) {
  Pool pool;
  pool.fixed = fixed;
  const double end = (kWeeksBefore + kWeeks) * kWeek;
  double tended = 0;
  for (size_t next = 0; pool.at < end;) {
    const auto first = std::min_element(pool.coming.begin(), pool.coming.end());
    const double launch = first == pool.coming.end() ? end : *first;
    const double request = next < asked.size() ? asked[next] : end;
    const double to = std::min({launch, request, tended + 60, end});
    pass_to(pool, to);
    if (to >= end) break;
    if (to == launch) {
      launched(pool, first);
    } else if (to == request) {
      ++next;
      ask(pool);
    } else {
      tended = to;
    }
    tend(pool);
  }
  return {static_cast<double>(pool.missed) / std::max<double>(1, static_cast<double>(pool.asked)), pool.idle_s / 3600 / (kWeeks * 7)};
}

// ---- Comparison with the line through the fixed sizes: between two of them a pool is one for part of the time, the other for the rest.

double along(const std::vector<Outcome>& fixed, double Outcome::*known, double value, double Outcome::*wanted) {
  for (size_t i = 1; i < fixed.size(); ++i) {
    const double a = fixed[i - 1].*known, b = fixed[i].*known;
    if ((a - value) * (b - value) > 0 || a == b) continue;
    const double share = (value - a) / (b - a);
    return fixed[i - 1].*wanted + share * (fixed[i].*wanted - fixed[i - 1].*wanted);
  }
  return fixed.back().*wanted;
}

}  // namespace

int main() {
  const int seeds = getenv("BENCH_SEEDS") ? atoi(getenv("BENCH_SEEDS")) : 5;
  printf("Container-hours a day that stand ready for nobody, and who finds the pool empty, in percent; %d weeks after %d to learn, %d seeds.\n\n", kWeeks, kWeeksBefore, seeds);
  for (const Pattern& pattern : kPatterns) {
    std::vector<Outcome> fixed(kFixedMost + 1);
    Outcome ours;
    for (int seed = 1; seed <= seeds; ++seed) {
      const Asked asked = asked_in(pattern, static_cast<uint64_t>(seed) * 1000);
      auto add = [&](Outcome* to, const Outcome& one) {
        to->misses += one.misses / seeds;
        to->idle_hours += one.idle_hours / seeds;
      };
      for (int size = 0; size <= kFixedMost; ++size) add(&fixed[static_cast<size_t>(size)], work(asked, size));
      add(&ours, work(asked, -1));
    }
    printf("### %s\n\n| pool | idle, h a day | empty, %% |\n|---|---|---|\n", pattern.name);
    for (int size = 0; size <= kFixedMost; ++size)
      printf("| %d | %.1f | %.2f |\n", size, fixed[static_cast<size_t>(size)].idle_hours, fixed[static_cast<size_t>(size)].misses * 100);
    printf("| auto | %.1f | %.2f |\n\n", ours.idle_hours, ours.misses * 100);
    const double same_misses = along(fixed, &Outcome::misses, ours.misses, &Outcome::idle_hours);
    const double same_cost = along(fixed, &Outcome::idle_hours, ours.idle_hours, &Outcome::misses);
    printf("Fixed sizes with as many misses stand ready for %.1f h (ours: %.2f x); those that cost as much miss %.2f %% (%.1f x ours).\n\n", same_misses,
           ours.idle_hours / same_misses, same_cost * 100, same_cost / ours.misses);
  }
  return 0;
}
