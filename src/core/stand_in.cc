// A session known by the hash in its container's name alone waits for the client who hashes to it.
#include "core/names.h"
#include "core/rules.h"

std::string stand_in_owner(const Turn& turn, const std::string& client) {
  if (!client_is_stand_in(client)) return client;
  const Table& table = turn.table;
  const auto is_his = [&](const std::string& known) { return known != client && client_stand_in(table.config.naming, known) == client; };
  for (const auto& [known, port] : table.by_client)
    if (is_his(known)) return known;
  for (const auto& [known, port] : table.heirs)
    if (is_his(known)) return known;
  for (const auto& [known, waiters] : table.waiters)
    if (is_his(known)) return known;
  return client;
}

bool stand_in_or_own(const Table& table, const std::string& client) {
  return table.by_client.count(client) || (table.config.naming.hash && table.by_client.count(client_stand_in(table.config.naming, client)));
}

void stand_in_yield(Turn& turn, const std::string& client) {
  Table& table = turn.table;
  if (!table.config.naming.hash || slot_by_client(table, client) || table.heirs.count(client) || table.waiters.count(client)) return;
  Slot* slot = slot_by_client(table, client_stand_in(table.config.naming, client));
  if (!slot) return;
  slot_give(table, *slot, client);
  say(turn, SayLevel::Info, "RECONCILE",
      "container=" + short_id(slot->container_id) + " port=" + std::to_string(slot->port) + ", of which there was no record, is that of CPF=" + client);
  if (slot->state == SlotState::Assigned) rename_plan(turn, *slot);
}
