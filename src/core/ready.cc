// Could a new client be served now? The questions that an access asks of the table, asked with nobody waiting for a session.
#include "core/orchestrator.h"
#include "core/rules.h"

static Readiness not_ready(std::string why) { return {Readiness::No, std::move(why)}; }

Readiness orchestrator_ready(const Table& table, Now now) {
  if (table.stopping) return not_ready("The orchestrator is stopping.");
  if (table.draining_us) return not_ready(kDrainingText);
  if (!table.reconciled) return not_ready("Not ready to serve yet: " + table.engine_text);
  if (!table.store_text.empty()) return not_ready("The state file cannot be written, so no session can be given out: " + table.store_text);
  if (table.waiting_for.size() >= table.config.most_waiting) return not_ready("As many requests wait for a session as may.");
  for (const auto& [port, slot] : table.slots)
    if (slot.state == SlotState::Ready && rollout_serves(table, slot)) return {Readiness::Yes, ""};
  if (!table.engine_up) return not_ready("The container engine cannot be reached: " + table.engine_text);
  if (table.pool_said) return not_ready("The pool's containers fail: " + table.pool_text);
  for (const auto& [port, slot] : table.slots)
    if (slot.state == SlotState::Free && !slot.outside && slot.blocked_until_ms <= now.mono_ms) return {Readiness::ByLaunch, ""};
  if (recycle_can(table)) return {Readiness::ByLaunch, ""};
  return not_ready("No port is free of " + std::to_string(table_max_slots(table)) + ", and nobody's may be taken.");
}
