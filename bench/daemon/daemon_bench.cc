// Measures the daemon beside what bounds it, alternating, and prints a table: make bench [BENCH_ROUNDS=5] [ROW=reuse].
// The rows run as end-to-end tests do, in a child process: whatever becomes of them, the parent cleans up.
#include <cstdlib>

#include "bench/daemon/rows.h"
#include "bench/daemon/stand.h"

int main() {
  if (const char* row = getenv("ROW"); row != nullptr && *row != '\0') setenv("TESTS", row, 1);
  table_begin(kResults, bench_rounds(), "limit");
  const double begin = now_seconds();
  const int status = suite_main_unwatched("bench", {
                                                       E2E_TEST(reuse),
                                                       E2E_TEST(reuse_connect),
                                                       E2E_TEST(reuse_late),
                                                       E2E_TEST(price),
                                                       E2E_TEST(claim),
                                                       E2E_TEST(claim_together),
                                                       E2E_TEST(claim_scale),
                                                       E2E_TEST(restart),
                                                       E2E_TEST(status_hold),
                                                       E2E_TEST(cold),
                                                       E2E_TEST(cold_together),
                                                       E2E_TEST(refill),
                                                       E2E_TEST(picture),
                                                       E2E_TEST(picture_crowded),
                                                       E2E_TEST(storm),
                                                       E2E_TEST(phases),
                                                       E2E_TEST(memory),
                                                   });
  table_write_series(kResults);
  const bool all_met = table_print(kResults);
  const char* verdict = status != 0 ? "not every row could be measured" : all_met ? "every aim is met" : "not every aim is met";
  printf("\n%s; %.0f s; also in %s\n", verdict, now_seconds() - begin, kResults);
  return status;
}
