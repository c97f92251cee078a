// The words of WARM_POOL_SCHEDULE.
#include "codec/shifts.h"

#include "support/cmocka_cc.h"

static std::string kept(const char* text) {
  std::vector<PoolShift> shifts;
  if (!shifts_parse(text, &shifts)) return "refused";
  return shifts_text(shifts);
}

static void test_shifts_are_read(void**) {
  std::vector<PoolShift> shifts;
  assert_true(shifts_parse("mon-fri 07:30-09:30 20; sat,sun 22:00-06:00 5;12:00-24:00 0", &shifts));
  assert_int_equal(shifts.size(), 3);
  assert_int_equal(shifts[0].days, 0x1f);
  assert_int_equal(shifts[0].from_minute, 450);
  assert_int_equal(shifts[0].to_minute, 570);
  assert_int_equal(shifts[0].size, 20);
  assert_int_equal(shifts[1].days, 0x60);
  assert_int_equal(shifts[2].days, 0x7f);
  assert_int_equal(shifts[2].to_minute, 1440);
  assert_int_equal(shifts[2].size, 0);
  assert_true(shifts_parse("", &shifts));  // none at all
  assert_int_equal(shifts.size(), 0);
}

static void test_days_go_round(void**) {
  std::vector<PoolShift> shifts;
  assert_true(shifts_parse("fri-mon,wed 08:00-09:00 1", &shifts));
  assert_int_equal(shifts[0].days, 1 << 4 | 1 << 5 | 1 << 6 | 1 << 0 | 1 << 2);
}

static void test_what_is_kept_reads_the_same(void**) {
  for (const char* text : {"mon,tue 07:30-09:30 20; 22:00-06:00 5", "sun 00:00-24:00 1000"}) assert_string_equal(kept(text).c_str(), text);
  assert_string_equal(kept("  mon-tue \t 07:30-09:30   20 ;; ").c_str(), "mon,tue 07:30-09:30 20");
  assert_string_equal(kept("  mon-tue \t 07:30-09:30   20 ; ").c_str(), "mon,tue 07:30-09:30 20");
  assert_string_equal(kept("mon-sun 07:30-09:30 20").c_str(), "07:30-09:30 20");
}

static void test_nonsense_is_refused(void**) {
  for (const char* text : {"x", ";", "; 07:30-09:30 20", "mon", "mon 07:30-09:30", "07:30 20", "mon 7:30-09:30 20", "mon 07:30-09:3 20", "mon 24:00-09:00 2", "mon 25:00-26:00 2", "mon 24:30-09:00 2",
                           "mon 07:60-09:00 2", "mon 07:30-09:30 -1", "mon 07:30-09:30 1001", "mon 07:30-09:30 2 3", "mon- 07:30-09:30 2", "-mon 07:30-09:30 2", "mon, 07:30-09:30 2",
                           ",mon 07:30-09:30 2", "seg 07:30-09:30 2", "mon 07:30-09:30 2,5", "mon 07:30-09:30-10:00 2", "MON 07:30-09:30 2"})
    assert_string_equal(kept(text).c_str(), "refused");
}

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_shifts_are_read), cmocka_unit_test(test_days_go_round), cmocka_unit_test(test_what_is_kept_reads_the_same),
                              cmocka_unit_test(test_nonsense_is_refused)};
  return cmocka_run_group_tests_name("shifts", tests, nullptr, nullptr);
}
