// Takes the moment, has its text made, hands it out.
#include "daemon/status.h"

#include <utility>

#include "codec/answers.h"

static void make(StatusDesk* desk, const Table& table) {
  desk->served.swap(desk->waiting);
  lane_submit(desk->lane.get(), LaneOrder::Normal, [records = table_status(table), slots = table_max_slots(table)]() -> Message {
    return StatusMade{answer_status(records, slots)};
  });
}

void status_desk_open(StatusDesk* desk, Mailbox* mailbox) { desk->lane = lane_create("status", 1, mailbox); }

void status_desk_ask(StatusDesk* desk, const Table& table, uint64_t request) {
  desk->waiting.push_back(request);
  if (desk->served.empty()) make(desk, table);
}

void status_desk_made(StatusDesk* desk, const Table& table, const Entrances& entrances, StatusMade made) {
  HttpAnswer answer;
  answer.body = std::move(made.body);
  std::vector<uint64_t> served;
  served.swap(desk->served);
  if (!desk->waiting.empty()) make(desk, table);
  for (const uint64_t request : served) entrances_answer(entrances, request, answer);
}
