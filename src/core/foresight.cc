// What the pool expects: how many new sessions will be asked for at once, learnt from when they were asked for.
//
// A container that is taken out of the pool is replaced one launch later. So somebody finds the pool empty when, within one launch before him,
// as many others came as it holds. That crowd is counted for each who asks, and kept by the quarter of an hour. Four seers tell from it what the
// quarter will be like; each is believed as far as it was right lately. The target is the smallest pool that too large a crowd is
// unlikely enough for.
#include "core/foresight.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace {

// What is left of what was, after one more of the same kind.
constexpr double kWeekKeeps = 0.5;    // half of it is of the last week
constexpr double kDayKeeps = 0.7;     // two days
constexpr double kHourKeeps = 0.7;    // half an hour
constexpr double kAlwaysKeeps = 0.998;  // four days
constexpr double kTrustKeeps = 0.998;  // four days, so that a weekend is not forgotten before the next
constexpr double kSurpriseMost = 6;   // no single quarter ends a reputation
constexpr double kLeastExpected = 0.02;  // in a quarter: nobody is certain that nobody comes
constexpr int kTargetMost = 1000;
constexpr double kLaunchMostS = 600;
constexpr double kAheadS = 60, kAheadLaunches = 8;  // a large pool is launched a few at once, this often one after the other
constexpr int64_t kGapMost = 4;  // quarters of which nobody told: we were not there to be asked, or the clock has been set

void add(Demand* to, const Demand& more, double keeps) {
  to->quarters = to->quarters * keeps + 1;
  to->asked = to->asked * keeps + more.asked;
  to->crowd = to->crowd * keeps + more.crowd;
  to->crowd2 = to->crowd2 * keeps + more.crowd2;
}

size_t of_week(int64_t quarter) { return static_cast<size_t>(((quarter % kQuartersOfWeek) + kQuartersOfWeek) % kQuartersOfWeek); }
size_t of_day(int64_t quarter) { return of_week(quarter) % kQuartersOfDay; }

const Demand& told_by(const Foresight& foresight, int seer, int64_t quarter) {
  switch (static_cast<Seer>(seer)) {
    case Seer::Week: return foresight.week[of_week(quarter)];
    case Seer::Day: return foresight.day[of_day(quarter)];
    case Seer::Hour: return foresight.hour;
    case Seer::Always: break;
  }
  return foresight.always;
}

bool knows(const Foresight& foresight, int seer, int64_t quarter) { return told_by(foresight, seer, quarter).quarters > 0; }

// One quarter as a seer tells it who knows of such.
Demand said_by(const Foresight& foresight, int seer, int64_t quarter) {
  const Demand& told = told_by(foresight, seer, quarter);
  return Demand{1, told.asked / told.quarters, told.crowd / told.quarters, told.crowd2 / told.quarters};
}

// Of a Poisson distribution of that mean, without what is the same for all seers.
double log_chance(double asked, double expected) {
  const double mean = std::max(expected, kLeastExpected);
  return asked * std::log(mean) - mean;
}

// Who knew nothing is not judged.
void judge_seers(Foresight* foresight) {
  std::array<double, kSeers> chance{};
  double best = -HUGE_VAL;
  for (int i = 0; i < kSeers; ++i) {
    if (!knows(*foresight, i, foresight->quarter)) continue;
    chance[static_cast<size_t>(i)] = log_chance(foresight->now.asked, said_by(*foresight, i, foresight->quarter).asked);
    best = std::max(best, chance[static_cast<size_t>(i)]);
  }
  for (int i = 0; i < kSeers; ++i) {
    double& trust = foresight->trust[static_cast<size_t>(i)];
    trust *= kTrustKeeps;
    if (knows(*foresight, i, foresight->quarter)) trust += std::max(chance[static_cast<size_t>(i)] - best, -kSurpriseMost);
  }
  const double highest = *std::max_element(foresight->trust.begin(), foresight->trust.end());
  for (double& one : foresight->trust) one -= highest;
}

void end_quarter(Foresight* foresight) {
  judge_seers(foresight);
  const Demand& now = foresight->now;
  add(&foresight->week[of_week(foresight->quarter)], now, kWeekKeeps);
  add(&foresight->day[of_day(foresight->quarter)], now, kDayKeeps);
  add(&foresight->hour, now, kHourKeeps);
  add(&foresight->always, now, kAlwaysKeeps);
  foresight->now = Demand{};
  ++foresight->quarter;
}

// Before anything is known, that somebody may come.
Demand expected_in(const Foresight& foresight, int64_t quarter) {
  Demand expected;
  double total = 0, highest = -HUGE_VAL;
  for (int i = 0; i < kSeers; ++i) {
    if (knows(foresight, i, quarter)) highest = std::max(highest, foresight.trust[static_cast<size_t>(i)]);
  }
  for (int i = 0; i < kSeers; ++i) {
    if (!knows(foresight, i, quarter)) continue;
    const double share = std::exp(foresight.trust[static_cast<size_t>(i)] - highest);
    const Demand one = said_by(foresight, i, quarter);
    total += share;
    expected.asked += share * one.asked;
    expected.crowd += share * one.crowd;
    expected.crowd2 += share * one.crowd2;
  }
  if (total == 0) return Demand{1, 1, 0, 0};
  return Demand{1, expected.asked / total, expected.crowd / total, expected.crowd2 / total};
}

// What this quarter has shown so far counts as much as the same time of what was expected.
Demand with_what_is_seen(Demand expected, const Demand& now, double passed) {
  const double share = 1 / (1 + passed);
  return Demand{1, (expected.asked + now.asked) * share, (expected.crowd + now.crowd) * share, (expected.crowd2 + now.crowd2) * share};
}

// The smallest number that the crowd before somebody who asks reaches with no more than this chance. Crowds that vary no more than chance has it
// are Poisson's, others a negative binomial distribution's of the same mean and variance.
int enough_for(const Demand& demand, double miss) {
  if (demand.asked <= 0) return 1;
  const double mean = demand.crowd / demand.asked;
  // Where hardly anybody is expected, the few who might come may miss more often: what counts is how many miss, in a quarter with one guest at least.
  const double allowed = miss * std::max(1.0, 1 / demand.asked);
  const double variance = demand.crowd2 / demand.asked - mean * mean;
  const bool is_poisson = variance <= mean * 1.02;
  const double p = is_poisson ? 0 : mean / variance, r = is_poisson ? 0 : mean * p / (1 - p);
  double chance = is_poisson ? std::exp(-mean) : std::exp(r * std::log(p)), below = 0;
  int count = 0;
  while (count < kTargetMost) {
    below += chance;
    ++count;
    if (1 - below <= allowed) break;
    chance *= is_poisson ? mean / count : (r + count - 1) / count * (1 - p);
  }
  return count;
}

}  // namespace

void foresight_pass(Foresight* foresight, int64_t local_ms) {
  const int64_t quarter = local_ms / 1000 / kQuarterSeconds;
  if (foresight->quarter < 0 || std::abs(quarter - foresight->quarter) > kGapMost) {
    foresight->quarter = quarter;
    foresight->now = Demand{};
  }
  while (foresight->quarter < quarter) end_quarter(foresight);
}

void foresight_asked(Foresight* foresight, int64_t local_ms) {
  foresight_pass(foresight, local_ms);
  std::deque<int64_t>& lately = foresight->lately;
  const int64_t since = local_ms - static_cast<int64_t>(foresight->lead_s * 1000);
  while (!lately.empty() && (lately.front() <= since || lately.front() > local_ms)) lately.pop_front();
  const double crowd = static_cast<double>(lately.size());
  if (lately.size() < kTargetMost) lately.push_back(local_ms);
  foresight->now.asked += 1;
  foresight->now.crowd += crowd;
  foresight->now.crowd2 += crowd * crowd;
}

// Mean and mean deviation, as TCP keeps its round trips (RFC 6298), with two deviations on top.
void foresight_launched(Foresight* foresight, double seconds) {
  seconds = std::clamp(seconds, 0.0, kLaunchMostS);
  const double off = std::fabs(seconds - foresight->lead_mean_s);
  foresight->lead_mean_s += (seconds - foresight->lead_mean_s) / 8;
  foresight->lead_spread_s += (off - foresight->lead_spread_s) / 4;
  foresight->lead_s = std::clamp(foresight->lead_mean_s + 2 * foresight->lead_spread_s, 0.5, kLaunchMostS);
}

int foresight_target(const Foresight& foresight, int64_t local_ms, double miss) {
  const int64_t seconds = local_ms / 1000, quarter = seconds / kQuarterSeconds;
  const bool is_begun = quarter == foresight.quarter;
  const double passed = is_begun ? static_cast<double>(seconds % kQuarterSeconds) / kQuarterSeconds : 0;
  Demand soon = expected_in(foresight, quarter);
  if (is_begun) soon = with_what_is_seen(soon, foresight.now, passed);
  double within_an_hour = soon.asked * (1 - passed);
  for (int64_t next = 1; next <= 4; ++next) within_an_hour += expected_in(foresight, quarter + next).asked;
  if (1 - std::exp(-within_an_hour) < miss) return 0;
  int target = enough_for(soon, miss);
  const int64_t then = (seconds + static_cast<int64_t>(kAheadS + kAheadLaunches * foresight.lead_s)) / kQuarterSeconds;
  if (then > quarter) target = std::max(target, enough_for(expected_in(foresight, then), miss));
  return target;
}
