// A schedule: a list of choices made by a seed, or told by a story, and what comes of it.
#ifndef TESTS_SIM_SCHEDULE_H
#define TESTS_SIM_SCHEDULE_H

#include <string>
#include <vector>

#include "sim/world.h"

struct Run {
  std::string failure;  // empty: every rule held
  Tally tally;
  std::vector<Choice> choices;
  std::vector<std::string> story;  // when told to
};

// Makes the choices as it goes: what is possible, in the mix of one of the profiles, with a settling at the end.
Run schedule_run(uint64_t seed);
// The same world under these choices.
Run schedule_replay(uint64_t seed, const std::vector<Choice>& choices, bool telling);
// The fewest choices, the shortest waits and the fewest faults that still break a rule.
std::vector<Choice> schedule_shrink(uint64_t seed, std::vector<Choice> choices);

// "Ask 0 1 0 120; Kill 0 2 77 0": what, who, how, amount, ms. False when it makes no sense.
std::string schedule_text(const std::vector<Choice>& choices);
bool schedule_parse(const std::string& text, std::vector<Choice>* choices);

void tally_add(Tally& sum, const Tally& more);

#endif
