// What the pool expects: learnt from when people ask, for the hours at which they ask, and forgotten when they do so no more.
#include "core/foresight.h"

#include <cmath>
#include <memory>

#include "support/cmocka_cc.h"

namespace {

constexpr int64_t kHour = 3600'000, kDay = 24 * kHour, kWeek = 7 * kDay;
constexpr int64_t kMonday = 4 * kDay + 2600 * kWeek;  // 1970 began on a Thursday

// `people` come within `within_s` seconds from `at` on.
void crowd(Foresight* foresight, int64_t at, int people, int within_s) {
  for (int i = 0; i < people; ++i) foresight_asked(foresight, at + int64_t{i} * within_s * 1000 / people);
}

// Time passes, quarter by quarter, as the daemon's ticks have it.
void pass(Foresight* foresight, int64_t from, int64_t to) {
  for (int64_t at = from; at < to; at += 10 * 60'000) foresight_pass(foresight, at);
  foresight_pass(foresight, to);
}

// Days on which 30 people come at this hour, and on workdays only where `weekends` is false. The next midnight.
int64_t days(Foresight* foresight, int64_t midnight, int count, int64_t hour, bool weekends = false) {
  for (int day = 0; day < count; ++day, midnight += kDay) {
    const bool is_weekend = (midnight - kMonday) / kDay % 7 >= 5;
    pass(foresight, midnight, midnight + hour * kHour);
    if (!is_weekend || weekends) crowd(foresight, midnight + hour * kHour, 30, 60);
    pass(foresight, midnight + hour * kHour + 60'000, midnight + kDay);
  }
  return midnight;
}

std::unique_ptr<Foresight> new_foresight() { return std::make_unique<Foresight>(); }

int target(const Foresight& foresight, int64_t at, double miss = 0.01) { return foresight_target(foresight, at, miss); }

void test_before_anything_is_known_one_is_ready(void**) {
  auto foresight = new_foresight();
  assert_int_equal(target(*foresight, kMonday), 1);
}

void test_a_crowd_is_expected_when_it_came_before(void**) {
  auto foresight = new_foresight();
  const int64_t now = days(foresight.get(), kMonday, 14, 9);
  // 30 people within a minute and 5 s for a launch: 2 or 3 come before each.
  const int at_nine = target(*foresight, now + 9 * kHour);
  assert_in_range(at_nine, 4, 12);
  assert_int_equal(target(*foresight, now + 9 * kHour - 90'000), at_nine);  // ready when it begins
  assert_int_equal(target(*foresight, now + 3 * kHour), 0);                 // nobody has ever come at night
  assert_int_equal(target(*foresight, now + 5 * kDay + 9 * kHour), 0);      // nor on a Saturday
}

void test_the_larger_the_crowd_and_the_slower_a_launch_the_more(void**) {
  auto quick = new_foresight(), slow = new_foresight();
  for (int i = 0; i < 50; ++i) foresight_launched(slow.get(), 20);
  assert_true(std::fabs(slow->lead_s - 20) < 1);
  const int64_t now = days(quick.get(), kMonday, 14, 9);
  days(slow.get(), kMonday, 14, 9);
  assert_true(target(*slow, now + 9 * kHour) >= 2 * target(*quick, now + 9 * kHour));
}

void test_who_wants_fewer_misses_gets_more(void**) {
  auto foresight = new_foresight();
  const int64_t nine = days(foresight.get(), kMonday, 14, 9) + 9 * kHour;
  assert_true(target(*foresight, nine, 0.001) > target(*foresight, nine, 0.01));
  assert_true(target(*foresight, nine, 0.01) > target(*foresight, nine, 0.2));
}

void test_another_hour_is_learnt_in_days(void**) {
  auto foresight = new_foresight();
  int64_t now = days(foresight.get(), kMonday, 28, 9);
  const int before = target(*foresight, now + 9 * kHour);
  now = days(foresight.get(), now, 3, 7);
  assert_true(target(*foresight, now + 7 * kHour) >= before / 2);
  // The old hour is let go of more slowly: being wrong about it costs a few containers for a quarter of an hour.
  now = days(foresight.get(), now, 11, 7);
  assert_true(target(*foresight, now + 9 * kHour) < before);
  now = days(foresight.get(), now, 84, 7);
  assert_true(target(*foresight, now + 9 * kHour) <= 1);
  assert_true(target(*foresight, now + 7 * kHour) >= before / 2);
}

void test_a_crowd_that_nobody_expected_is_taken_for_what_it_is(void**) {
  auto foresight = new_foresight();
  const int64_t at = days(foresight.get(), kMonday, 14, 9) + 15 * kHour;
  assert_int_equal(target(*foresight, at), 0);
  crowd(foresight.get(), at + 60'000, 30, 60);
  assert_true(target(*foresight, at + 120'000) >= 4);
}

void test_people_who_come_one_by_one_need_one(void**) {
  auto foresight = new_foresight();
  for (int64_t at = kMonday; at < kMonday + kWeek; at += 300'000) foresight_asked(foresight.get(), at);
  for (int64_t at = kMonday + kWeek; at < kMonday + kWeek + kDay; at += kHour) assert_int_equal(target(*foresight, at), 1);
}

void test_days_without_us_teach_nothing(void**) {
  auto foresight = new_foresight();
  int64_t now = days(foresight.get(), kMonday, 28, 9);
  const int before = target(*foresight, now + 9 * kHour);
  now += 14 * kDay;  // switched off
  foresight_pass(foresight.get(), now);
  assert_int_equal(target(*foresight, now + 9 * kHour), before);
}

void test_a_clock_that_goes_back_stands_still(void**) {
  auto foresight = new_foresight();
  const int64_t now = days(foresight.get(), kMonday, 14, 9);
  const int64_t quarter = foresight->quarter;
  foresight_pass(foresight.get(), now - kHour / 2);
  foresight_asked(foresight.get(), now - kHour / 2);
  assert_int_equal(foresight->quarter, quarter);
  foresight_asked(foresight.get(), now);
  assert_true(foresight->now.crowd == 0);  // what a clock told that was ahead counts as long ago
  assert_in_range(target(*foresight, now - kHour / 2), 0, 12);
}

void test_a_clock_that_was_a_year_ahead_is_learnt_by_again(void**) {
  auto foresight = new_foresight();
  days(foresight.get(), kMonday + 52 * kWeek, 3, 9);
  const int64_t now = days(foresight.get(), kMonday, 14, 9);
  assert_int_equal(foresight->quarter, now / 900'000);
  assert_in_range(target(*foresight, now + 9 * kHour), 4, 12);
  assert_int_equal(target(*foresight, now + 3 * kHour), 0);
}

void test_it_stays_within_bounds_whatever_comes(void**) {
  auto foresight = new_foresight();
  crowd(foresight.get(), kMonday, 100'000, 1);
  foresight_pass(foresight.get(), kMonday + kHour / 4);
  assert_in_range(target(*foresight, kMonday + kWeek), 0, 1000);
  for (const double seconds : {0.0, 1e9, -5.0}) foresight_launched(foresight.get(), seconds);
  assert_true(foresight->lead_s >= 0.5 && foresight->lead_s <= 600);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_before_anything_is_known_one_is_ready),
      cmocka_unit_test(test_a_crowd_is_expected_when_it_came_before),
      cmocka_unit_test(test_the_larger_the_crowd_and_the_slower_a_launch_the_more),
      cmocka_unit_test(test_who_wants_fewer_misses_gets_more),
      cmocka_unit_test(test_another_hour_is_learnt_in_days),
      cmocka_unit_test(test_a_crowd_that_nobody_expected_is_taken_for_what_it_is),
      cmocka_unit_test(test_people_who_come_one_by_one_need_one),
      cmocka_unit_test(test_days_without_us_teach_nothing),
      cmocka_unit_test(test_a_clock_that_goes_back_stands_still),
      cmocka_unit_test(test_a_clock_that_was_a_year_ahead_is_learnt_by_again),
      cmocka_unit_test(test_it_stays_within_bounds_whatever_comes),
  };
  return cmocka_run_group_tests_name("foresight", tests, nullptr, nullptr);
}
