// STATE_FILE: what is read is written so that the same is read again, and /status shows it whole.
#include <jansson.h>

#include <memory>

#include "codec/answers.h"
#include "codec/snapshot.h"
#include "fuzz/fuzz.h"

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

constexpr int64_t kFallbackUs = 1770561000000000;  // 2026-02-08 14:30 UTC

void check_records(const std::vector<Record>& records, std::string_view input) {
  for (const Record& record : records) {
    HOLDS(!record.client_id.empty() && !record.container_id.empty() && record.port >= 1 && record.port <= 65535, input);
    HOLDS(record.last_accessed_mono_ms >= -1, input);
  }
  const std::string text = snapshot_write(records);
  std::vector<Record> again;
  std::string error;
  HOLDS(text.ends_with("]\n") && snapshot_parse(text, kFallbackUs, &again, &error), text);
  HOLDS(again.size() == records.size() && snapshot_write(again) == text, text);
  for (size_t i = 0; i < records.size(); i++) {
    HOLDS(again[i].client_id == records[i].client_id && again[i].container_id == records[i].container_id, text);
    HOLDS(again[i].container_name == records[i].container_name && again[i].fingerprint == records[i].fingerprint, text);
    HOLDS(again[i].port == records[i].port && again[i].width == records[i].width && again[i].height == records[i].height, text);
    HOLDS(again[i].size_by_default == records[i].size_by_default && again[i].boot_id == records[i].boot_id, text);
    HOLDS(again[i].last_accessed_mono_ms == records[i].last_accessed_mono_ms && again[i].extra == records[i].extra, text);
  }
  const std::string status = answer_status(records, {4, 0, true, "on", "1"});
  const Json json(json_loadb(status.data(), status.size(), 0, nullptr));
  HOLDS(json_array_size(json_object_get(json.get(), "records")) == records.size(), status);
}

void check_time(std::string_view text) {
  int64_t us = -7;
  if (!snapshot_parse_time(text, &us)) {
    HOLDS(us == -7, text);
    return;
  }
  int64_t again = 0;
  const std::string shown = snapshot_time(us);
  HOLDS(snapshot_parse_time(shown, &again) && snapshot_time(again) == shown, text);
}

}  // namespace

FUZZ_TARGET(state) {
  std::vector<Record> records(1);
  std::string error;
  check_time(input);
  if (snapshot_parse(input, kFallbackUs, &records, &error)) {
    check_records(records, input);
  } else {
    HOLDS(records.size() == 1 && !error.empty() && is_harmless(error), input);
  }
}
