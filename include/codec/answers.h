// Bodies of our HTTP answers: plain values to JSON text.
#ifndef CODEC_ANSWERS_H
#define CODEC_ANSWERS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

std::string answer_error(std::string_view text);                        // {"error": text}
std::string answer_error_slots(std::string_view text, int max_slots);   // {"error": text, "max_slots": n}
std::string answer_health();                                            // {"status": "ok"}
std::string answer_ready();                                             // {"status": "ready"}
std::string answer_removed(std::string_view client, std::string_view container_id, int port);
std::string answer_removed_all(int removed);  // status removed_all, or empty when 0
std::string answer_drained(bool draining, int sessions);  // status draining or serving; how many sessions clients have
// What /status says besides the sessions.
struct StatusFacts {
  int max_slots = 0;
  int pool_target = 0;
  bool engine_up = false;
  std::string firewall;     // on, off, unable, pending
  std::string version;
  int64_t since_us = 0;     // the daemon's start
  int64_t settings_us = 0;  // when the settings were read last
  int64_t draining_us = 0;  // since when no session begins; 0: they do
};
// /status: active_containers counts every record, pool_containers those of the pool (so in the document's example). Of each record
// only the document's eight fields are shown, and who watches.
std::string answer_status(const std::vector<Record>& records, const StatusFacts& facts);
// /status?id=: {"record": ...}, looking as it does in the list.
std::string answer_status_of(const Record& record);

#endif
