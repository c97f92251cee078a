// Takes the moment, has its text made, hands it out.
#include "daemon/status.h"

#include <utility>

#include "codec/answers.h"
#include "io/host.h"

static void make(StatusDesk* desk, const Table& table) {
  desk->served.swap(desk->waiting);
  const StatusFacts facts{table_max_slots(table), table.pool_target, table.engine_up, desk->firewall, VNC_ORCHESTRATOR_VERSION,
                          desk->since_us, desk->settings_us, table.draining_us};
  lane_submit(desk->lane.get(), LaneOrder::Normal, [records = table_status(table), facts]() -> Message {
    host_give_way();
    return StatusMade{answer_status(records, facts)};
  });
}

void status_desk_open(StatusDesk* desk, Mailbox* mailbox) {
  desk->lane = lane_create("status", 1, mailbox);
  desk->since_us = desk->settings_us = host_wall_us();
}

void status_desk_ask(StatusDesk* desk, const Table& table, uint64_t request) {
  desk->waiting.push_back(request);
  if (desk->served.empty()) make(desk, table);
}

void status_desk_made(StatusDesk* desk, const Table& table, Entrances& entrances, StatusMade made) {
  HttpAnswer answer;
  answer.body = std::move(made.body);
  std::vector<uint64_t> served;
  served.swap(desk->served);
  if (!desk->waiting.empty()) make(desk, table);
  for (const uint64_t request : served) entrances_answer(entrances, request, answer);
}

HttpAnswer status_of_client(const Table& table, const std::string& client) {
  Record record;
  HttpAnswer answer;
  answer.body = table_status_of(table, client, &record) ? answer_status_of(record) : answer_error("No container found for client " + client);
  answer.status = record.client_id.empty() ? 404 : 200;
  return answer;
}
