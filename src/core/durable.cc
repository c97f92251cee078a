// What must be on disk before somebody is told. A write carries the whole table as of one version; one write serves all that came meanwhile.
#include "core/names.h"
#include "core/rules.h"

bool durable_broken(const Turn& turn) { return !turn.table.store_text.empty(); }

void durable_save(Turn& turn) {
  Table& table = turn.table;
  if (!table.reconciled) return;  // until then the file knows more than we do
  if (table.saving) return;  // its end comes back here
  if (table.touched && turn.now.mono_ms < table.touch_by_ms) {
    table_wake(table, table.touch_by_ms);
  } else if (table.touched) {
    table.touched = false;
    table_changed(table);
  }
  if (table.on_disk == table.version && !durable_broken(turn)) return;
  if (turn.now.mono_ms < table.save_at_ms) {
    table_wake(table, table.save_at_ms);
    return;
  }
  table.saving = true;
  table.touched = false;
  turn.actions.push_back(DoSave{table.version});
}

static bool waits_for(const Slot& slot, uint64_t up_to) {
  bool waits = slot.state == SlotState::Claiming || (slot.state == SlotState::Waiting && slot.healthy);
  return waits && slot.record_version <= up_to;
}

// Ports of the slots whose record is on disk now, or, after a failure, of all that waited for one. Telling of one may move another:
// each is to be looked at again when its turn comes.
static std::vector<int> ports_waiting(const Table& table, uint64_t up_to) {
  std::vector<int> ports;
  for (const auto& [port, slot] : table.slots)
    if (waits_for(slot, up_to)) ports.push_back(port);
  return ports;
}

static void recorded(Turn& turn, Slot& slot) {
  if (slot.state == SlotState::Claiming) {
    if (slot.unlooked) return;  // the look's end comes back here
    if (slot.guarded && !viewers_fresh(turn, slot)) {  // of an earlier claim, or the disk was slow
      viewers_guard(turn, slot);
      return;
    }
    slot.guarded = false;
    slot_move(turn.table, slot, SlotState::Assigned);
    rename_plan(turn, slot);
    access_arrived(turn, slot);
    return;
  }
  slot.pool_recorded = true;
  slot_move(turn.table, slot, SlotState::Ready);
  pool_worked(turn);
  if (slot.container_name != pool_container_name(slot.port)) {  // renamed meanwhile
    reconcile_name_wins(turn, slot);
    return;
  }
  say(turn, SayLevel::Info, "POOL",
      "Pool container READY: name=" + slot.container_name + " port=" + std::to_string(slot.port) + " (" +
          std::to_string(turn.table.count[static_cast<size_t>(SlotState::Ready)]) + "/" + std::to_string(turn.table.pool_target) + ")");
}

void durable_settle(Turn& turn, Slot& slot) {
  if (waits_for(slot, turn.table.on_disk)) recorded(turn, slot);
}

// Nobody has been told of the claim, so what was the pool's goes back to it; a session made for this client alone is given back to the
// engine; one that was found running is kept, for it may be in use.
static void not_recorded(Turn& turn, Slot& slot) {
  if (slot.state != SlotState::Claiming) return;  // a pool container waits on for the next write
  std::string why = "The state file cannot be written, so the session cannot be given out: " + turn.table.store_text +
                    ". Free some space or mend the disk.";
  access_refuse(turn, slot.client, 503, why, kRetryAfterSeconds);
  bool of_the_pool = slot.for_pool && slot.container_name == pool_container_name(slot.port) && rollout_serves(turn.table, slot);
  if (!of_the_pool) {
    if (slot.adopted) return;
    removal_begin(turn, slot, Ending::NotRecorded, "its record could not be written");
    return;
  }
  slot_move(turn.table, slot, slot.pool_recorded ? SlotState::Ready : SlotState::Waiting);
  slot_give(turn.table, slot, "");
  slot.unlooked = slot.guarded = false;
  slot.record_version = turn.table.version;
}

void durable_written(Turn& turn, const Written& event) {
  Table& table = turn.table;
  table.saving = false;
  if (event.error.empty()) {
    if (durable_broken(turn)) say(turn, SayLevel::Info, "STATE", "The state file can be written again");
    table.store_text.clear();
    table.on_disk = event.version;
    for (int port : ports_waiting(table, table.on_disk))
      if (Slot* slot = slot_at(table, port); slot && waits_for(*slot, table.on_disk)) recorded(turn, *slot);
    return;
  }
  if (!durable_broken(turn))
    say(turn, SayLevel::Error, "STATE", "The state file could not be written: no new session until it can, reuse goes on: " + event.error);
  table.store_text = event.error;
  table.save_at_ms = turn.now.mono_ms + kRetryMs;
  table_wake(table, table.save_at_ms);
  for (int port : ports_waiting(table, UINT64_MAX))
    if (Slot* slot = slot_at(table, port)) not_recorded(turn, *slot);
}
