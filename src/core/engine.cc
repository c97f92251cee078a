// The engine as a whole: whether it is there, when it is listed, and what its events say of single containers.
#include "core/names.h"
#include "core/rules.h"

// What was asked of the engine before the stream broke tells nothing of what has happened since.
static void forget_listing(Table& table) {
  table.connected = table.listing = table.list_again = false;
  table.list_asked = 0;
  table.list_at_ms = kNever;
}

static void connect(Turn& turn) {
  if (turn.table.connecting) return;
  turn.table.connecting = true;
  turn.table.list_at_ms = kNever;
  turn.actions.push_back(DoConnect{});
}

void engine_stream_up(Turn& turn) {
  forget_listing(turn.table);
  turn.table.stream_open = true;
  connect(turn);
}

void engine_stream_down(Turn& turn, const StreamDown& event) {
  Table& table = turn.table;
  if (table.stopping) return;
  forget_listing(table);
  table.stream_open = false;
  table.engine_up = false;
  table.engine_text = event.text;
  if (!table.engine_said)
    say(turn, SayLevel::Error, "HEALTH CHECK", "The container engine is away, trying again all the time; nobody is dropped meanwhile: " + event.text);
  table.engine_said = true;
}

void engine_connected(Turn& turn, const ConnectDone& event) {
  Table& table = turn.table;
  table.connecting = false;
  if (!table.stream_open) return;
  if (event.failure.fault == Fault::None) {
    table.connected = true;
    engine_list(turn);
    return;
  }
  if (table.engine_text != event.failure.text) say(turn, SayLevel::Error, "HEALTH CHECK", event.failure.text);
  table.engine_text = event.failure.text;
  table.list_at_ms = turn.now.mono_ms + kRetryMs;
  table_wake(table, table.list_at_ms);
}

void engine_list(Turn& turn) {
  Table& table = turn.table;
  if (!table.stream_open || table.stopping) return;
  if (!table.connected) {
    if (table.list_at_ms <= turn.now.mono_ms) connect(turn);
    return;
  }
  if (table.listing) {
    table.list_again = true;
    return;
  }
  table.listing = true;
  table.list_at_ms = kNever;
  table.list_asked = ++table.changes;  // a number of its own
  if (table.looks > 0) table.looks--;
  turn.actions.push_back(DoList{table.list_asked});
}

void engine_tick(Turn& turn) {
  if (turn.table.list_at_ms <= turn.now.mono_ms)
    engine_list(turn);
  else
    table_wake(turn.table, turn.table.list_at_ms);
}

void engine_died(Turn& turn, Slot& slot, const std::string& why) {
  std::string which = "container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port);
  switch (slot.state) {
    case SlotState::Waiting: launch_fail(turn, slot, 500, "the container " + why + " before it was ready"); return;
    case SlotState::Ready:
      say(turn, SayLevel::Warning, "POOL", "Pool " + which + " " + why + ": it is replaced");
      removal_begin(turn, slot, Ending::Died, "it " + why);
      return;
    case SlotState::Claiming: {
      std::string client = slot.client;
      Want want = access_wanted(turn, client);
      say(turn, SayLevel::Warning, "ACCESS", which + " " + why + " while it was being given to CPF=" + client);
      removal_begin(turn, slot, Ending::Died, "it " + why);
      if (turn.table.waiters.count(client)) access_serve(turn, client, want);
      return;
    }
    case SlotState::Assigned:
      say(turn, SayLevel::Warning, "HEALTH CHECK", "Session of CPF=" + slot.client + " is over: " + which + " " + why);
      removal_begin(turn, slot, Ending::Died, "it " + why);
      return;
    case SlotState::Free:
    case SlotState::Creating:
    case SlotState::Removing: return;
  }
}

static void renamed(Turn& turn, Slot& slot, const std::string& name) {
  if (slot.container_name == name) return;
  rename_noticed(turn, slot, name);
  if (slot.state == SlotState::Ready) reconcile_name_wins(turn, slot);
}

static void became_unhealthy(Turn& turn, Slot& slot) {
  bool untold = slot.state == SlotState::Claiming && (slot.for_pool || !slot.adopted);  // nobody can be using it yet
  if (slot.state == SlotState::Waiting && !slot.healthy) {  // an inspect tells why
    slot.check_at_ms = turn.now.mono_ms;
    launch_tick(turn);
  } else if (slot.state == SlotState::Ready || slot.state == SlotState::Waiting || untold) {
    engine_died(turn, slot, "became unhealthy");
  } else if (slot.state == SlotState::Assigned && !slot.warned) {
    slot.warned = true;
    say(turn, SayLevel::Warning, "HEALTH CHECK",
        "container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " of CPF=" + slot.client + " is unhealthy; kept, since it is in use");
  }
}

static void became_healthy(Turn& turn, Slot& slot) {
  if (slot.state == SlotState::Waiting && !slot.healthy) launch_ready(turn, slot);
  if (slot.state == SlotState::Assigned && slot.warned) {
    slot.warned = false;
    say(turn, SayLevel::Info, "HEALTH CHECK", "container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " of CPF=" + slot.client + " is healthy again");
  }
}

void engine_changed(Turn& turn, const ContainerChanged& event) {
  Table& table = turn.table;
  Slot* slot = slot_by_container(table, event.id);
  switch (event.change) {
    case ContainerChange::Created:
      // Somebody abandoned it, if not another launch of ours; the listing judges, once the engine has finished with it.
      if (!slot && event.instance == table.config.instance && !launch_in_flight(turn, event.run, event.job)) engine_list(turn);
      return;
    case ContainerChange::Died:
    case ContainerChange::Destroyed:
      if (slot)
        engine_died(turn, *slot, event.change == ContainerChange::Died ? "ended (exit code " + std::to_string(event.exit_code) + ")" : "was removed by somebody else");
      else
        table.deaths[event.id] = {turn.now.mono_ms, event.exit_code};
      return;
    case ContainerChange::Renamed:
      if (slot) renamed(turn, *slot, event.name);
      return;
    case ContainerChange::Healthy:
      if (slot) became_healthy(turn, *slot);
      return;
    case ContainerChange::Unhealthy:
      if (slot) became_unhealthy(turn, *slot);
      return;
    case ContainerChange::Disturbed:
      // Every death brings one too; a listing tells those that live on.
      if (slot && (slot->state == SlotState::Ready || slot->state == SlotState::Assigned || slot->state == SlotState::Waiting)) {
        table.looks = 2;
        engine_list(turn);
      }
      return;
  }
}
