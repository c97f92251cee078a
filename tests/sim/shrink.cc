// From a long schedule that breaks a rule to the shortest one found: fewer choices, then plainer ones.
#include <string.h>

#include <algorithm>

#include "sim/schedule.h"

// The same rule, whoever it is broken for.
static std::string rule_of(std::string failure) {
  for (const char* client : kClients)
    for (size_t at; (at = failure.find(client)) != std::string::npos;) failure.erase(at, strlen(client));
  std::erase_if(failure, [](char c) { return c >= '0' && c <= '9'; });
  return failure;
}

namespace {
struct Shrinker {
  uint64_t seed = 0;
  std::string rule;
};
}  // namespace

static bool breaks(const Shrinker& shrinker, const std::vector<Choice>& choices) {
  return rule_of(schedule_replay(shrinker.seed, choices, false).failure) == shrinker.rule;
}

// Leaves out pieces, halves first, then ever smaller ones.
static bool drop_pieces(const Shrinker& shrinker, std::vector<Choice>* choices) {
  bool shorter = false;
  for (size_t piece = std::max<size_t>(1, choices->size() / 2); piece > 0; piece /= 2) {
    for (size_t at = 0; at < choices->size();) {
      std::vector<Choice> rest = *choices;
      const size_t end = std::min(at + piece, rest.size());
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at), rest.begin() + static_cast<std::ptrdiff_t>(end));
      if (breaks(shrinker, rest)) {
        *choices = std::move(rest);
        shorter = true;
      } else {
        at += piece;
      }
    }
  }
  return shorter;
}

// One change at a time: no time before it, the plain outcome, the first of those there are.
static bool plainer(const Shrinker& shrinker, std::vector<Choice>* choices) {
  bool changed = false;
  for (size_t at = 0; at < choices->size(); at++) {
    const Choice is = (*choices)[at];
    Choice no_time = is, no_fault = is, no_amount = is, first = is, prompt = is;
    no_time.ms = 0;
    no_fault.how = 0;
    first.who = 0;
    if (is.what != What::Wait && is.what != What::Sleep) no_amount.amount = 0;
    if (is.what == What::Call) prompt = Choice{What::Prompt, is.who, 0, 0, is.ms};
    for (const Choice& plain : {no_time, no_fault, no_amount, first, prompt}) {
      const Choice& now = (*choices)[at];
      if (plain.ms == now.ms && plain.how == now.how && plain.amount == now.amount && plain.who == now.who &&
          plain.what == now.what)
        continue;
      std::vector<Choice> tried = *choices;
      tried[at] = plain;
      if (!breaks(shrinker, tried)) continue;
      *choices = std::move(tried);
      changed = true;
      break;
    }
  }
  return changed;
}

std::vector<Choice> schedule_shrink(uint64_t seed, std::vector<Choice> choices) {
  const Shrinker shrinker{seed, rule_of(schedule_replay(seed, choices, false).failure)};
  for (int round = 0; round < 8; round++) {
    const bool shorter = drop_pieces(shrinker, &choices);
    const bool changed = plainer(shrinker, &choices);
    if (!shorter && !changed) break;
  }
  return choices;
}
