// /status: the table as of one moment, made into text by a thread of its own, since for 1,000 sessions that takes the loop's time of 1,000 requests.
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include <cstdint>
#include <vector>

#include "core/slots.h"
#include "daemon/entrances.h"
#include "io/mailbox.h"
#include "io/workers.h"

// One text is made at a time. Who asks meanwhile shares the next one, which is of a moment after they asked: so whatever somebody was told
// before asking is in what they are shown, and however many ask at once, there are never more than two texts.
struct StatusDesk {
  LanePtr lane;                   // made by status_desk_open
  std::vector<uint64_t> served;   // requests that get the text under way; empty: none is
  std::vector<uint64_t> waiting;  // those that get the next one
  const char* firewall = "pending";  // guard_shown
  int64_t since_us = 0;           // the daemon's start
  int64_t settings_us = 0;        // when the settings were read last
};

void status_desk_open(StatusDesk* desk, Mailbox* mailbox);
// Loop thread only, both of them. What is copied of the table is all that the loop does for it.
void status_desk_ask(StatusDesk* desk, const Table& table, uint64_t request);
// One client's record is the loop's own work, at once: 404 when there is none.
HttpAnswer status_of_client(const Table& table, const std::string& client);
void status_desk_made(StatusDesk* desk, const Table& table, Entrances& entrances, StatusMade made);

#endif
