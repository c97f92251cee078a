// Hours of the week at which the pool has a least size, as WARM_POOL_SCHEDULE tells them.
#ifndef CODEC_SHIFTS_H
#define CODEC_SHIFTS_H

#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

// Shifts with semicolons between: days, hours in local time, containers: "mon-fri 07:30-09:30 20; sat,sun 22:00-06:00 5". Days are mon tue wed
// thu fri sat sun, single, with commas, or from-to; none: every day. Hours that end where or before they begin end on the next day. False when
// the text is none of that; empty text: no shifts.
bool shifts_parse(std::string_view text, std::vector<PoolShift>* out);
std::string shifts_text(const std::vector<PoolShift>& shifts);  // the same in words that shifts_parse reads

#endif
