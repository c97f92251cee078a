// A container that was claimed gets its client's name, so that even without its record nobody takes it for one of the pool.
#include <algorithm>

#include "core/names.h"
#include "core/rules.h"

void rename_plan(Turn& turn, Slot& slot) {
  if (slot.container_name == client_container_name(turn.table.config.naming, slot.client)) return;
  slot.rename_at_ms = turn.now.mono_ms;
  slot.renames = 0;
  rename_tick(turn);
}

// Somebody else has named it. What a client has gets its name back: when the state file is lost, that alone tells whose it is.
void rename_noticed(Turn& turn, Slot& slot, const std::string& name) {
  if (slot.container_name == name) return;
  slot_set_container(turn.table, slot, slot.container_id, name);
  if (slot_is_recorded(slot)) table_changed(turn.table);
  if (slot.state != SlotState::Assigned || name == client_container_name(turn.table.config.naming, slot.client)) return;
  say(turn, SayLevel::Warning, "STATE",
      "container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " of CPF=" + slot.client + " was renamed to " + name +
          " by somebody else: it gets its name back");
  slot.rename_at_ms = turn.now.mono_ms;  // by the next tick: a listing that noticed it has not judged the slot yet
  slot.renames = 0;
  table_wake(turn.table, slot.rename_at_ms);
}

static bool held_by_another(const Turn& turn, const Slot& own, const std::string& name) {
  for (const auto& [port, slot] : turn.table.slots)
    if (&slot != &own && slot.state != SlotState::Free && slot.container_name == name) return true;
  return false;
}

void rename_tick(Turn& turn) {
  if (!turn.table.engine_up) return;  // looked at again when it is back
  for (auto& [port, slot] : turn.table.slots) {
    if (slot.state != SlotState::Assigned || slot.renaming || slot.rename_at_ms == kNever) continue;
    if (slot.rename_at_ms > turn.now.mono_ms) {
      table_wake(turn.table, slot.rename_at_ms);
      continue;
    }
    std::string name = client_container_name(turn.table.config.naming, slot.client);
    if (slot.container_name == name) {  // an event from before our own renaming had planned another
      slot.rename_at_ms = kNever;
      continue;
    }
    if (held_by_another(turn, slot, name)) {
      slot.rename_at_ms = turn.now.mono_ms + kRetryMs;
      table_wake(turn.table, slot.rename_at_ms);
      continue;
    }
    slot.renaming = true;
    turn.actions.push_back(DoRename{port, slot.generation, slot.container_id, name});
  }
}

void rename_done(Turn& turn, const RenameDone& event) {
  Slot* slot = slot_of(turn.table, event.port, event.generation);
  if (!slot) return;
  slot->renaming = false;
  if (slot->state != SlotState::Assigned) return;
  if (event.failure.fault == Fault::None) {
    slot->rename_at_ms = kNever;
    slot_set_container(turn.table, *slot, slot->container_id, event.name);
    table_changed(turn.table);
    say(turn, SayLevel::Info, "STATE", "RENAMED container=" + short_id(slot->container_id) + " port=" + std::to_string(event.port) + " to " + event.name);
    rename_plan(turn, *slot);  // a stand-in's client may have come meanwhile
    return;
  }
  if (++slot->renames >= kRenameTries) {
    slot->rename_at_ms = kNever;
    say(turn, SayLevel::Warning, "STATE",
        "container=" + short_id(slot->container_id) + " port=" + std::to_string(event.port) + " keeps its name " + slot->container_name + ": " +
            event.failure.text);
    return;
  }
  slot->rename_at_ms = turn.now.mono_ms + std::min<int64_t>(kRetryMs << slot->renames, 60'000);
  table_wake(turn.table, slot->rename_at_ms);
}
