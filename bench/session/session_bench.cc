// Measures the session image beside a stock one, alternating, and prints a table: make bench-session [BENCH_ROUNDS=5] [ROW=start].
// The rows run as the image's tests do, in a child process: whatever becomes of them, the parent cleans up.
#include <cstdlib>

#include "bench/session/rig.h"
#include "bench/session/rows.h"
#include "support/engine_client.h"

int main() {
  if (const char* row = getenv("ROW"); row != nullptr && *row != '\0') setenv("ONLY_TEST", row, 1);
  if (!engine_has_image(kEngineSocket, kStockImage)) {
    fprintf(stderr, "the image %s is not there: make bench-session builds it\n", kStockImage);
    return 1;
  }
  table_begin(kResults, bench_rounds(), "stock");
  int status = stage_main("session_bench", {
                                               IMAGE_TEST(start),
                                               IMAGE_TEST(idle),
                                               IMAGE_TEST(tenth),
                                               IMAGE_TEST(connect_viewer),
                                               IMAGE_TEST(keystroke),
                                               IMAGE_TEST(scroll),
                                               IMAGE_TEST(size),
                                           });
  bool all_met = table_print(kResults);
  const char* verdict = status != 0 ? "not every row could be measured"
                        : all_met   ? "every aim is met"
                                    : "not every aim is met";
  printf("\n%s; also in %s\n", verdict, kResults);
  return status;
}
