// Rounds of a benchmark: how many, in which order, and on how quiet a machine.
#ifndef BENCH_SUPPORT_ROUNDS_H
#define BENCH_SUPPORT_ROUNDS_H

#include <functional>

#include "bench/support/table.h"

int bench_rounds();  // BENCH_ROUNDS, 5 when it is not set
// Each round runs both, now the one first, now the other. Round -1, when asked for, is for what is cold at first: its samples are the caller's to drop.
void rounds_alternate(bool with_warm_up, const std::function<void(int round)>& base, const std::function<void(int round)>& ours);
// Waits a while for a machine that others leave alone, says so when it stays busy, and notes it in the row.
void row_wait_for_quiet(Row* row);

#endif
