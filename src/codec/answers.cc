// Bodies of our HTTP answers: plain values to JSON text.
#include "codec/answers.h"

#include <jansson.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "codec/snapshot.h"
#include "codec/text.h"

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

struct TextFree {
  void operator()(char* text) const { free(text); }
};

// JSON takes UTF-8 only: what is not, is shown escaped rather than lost.
json_t* json_of(std::string_view text) {
  json_t* json = json_stringn(text.data(), text.size());
  if (json != nullptr) return json;
  const std::string clean = text_one_line(text, SIZE_MAX);
  return json_stringn(clean.data(), clean.size());
}

// People read these with curl: a line end at the end, and /status a field a line.
std::string json_text(const Json& json, size_t flags) {
  const std::unique_ptr<char, TextFree> text(json_dumps(json.get(), flags));
  return text != nullptr ? std::string(text.get()) + "\n" : std::string();
}

json_t* json_of(const Record& record) {
  json_t* object = json_object();
  json_object_set_new(object, "client_id", json_of(record.client_id));
  json_object_set_new(object, "container_id", json_of(record.container_id));
  json_object_set_new(object, "container_name", json_of(record.container_name));
  json_object_set_new(object, "port", json_integer(record.port));
  json_object_set_new(object, "width", json_of(record.width));
  json_object_set_new(object, "height", json_of(record.height));
  json_object_set_new(object, "created_at", json_of(snapshot_time(record.created_us)));
  json_object_set_new(object, "last_accessed_at", json_of(snapshot_time(record.last_accessed_us)));
  json_object_set_new(object, "viewers", record.viewers < 0 ? json_null() : json_integer(record.viewers));
  json_object_set_new(object, "last_seen_at", record.last_seen_us == 0 ? json_null() : json_of(snapshot_time(record.last_seen_us)));
  return object;
}

}  // namespace

std::string answer_error(std::string_view text) {
  const Json json(json_object());
  json_object_set_new(json.get(), "error", json_of(text));
  return json_text(json, 0);
}

std::string answer_error_slots(std::string_view text, int max_slots) {
  const Json json(json_object());
  json_object_set_new(json.get(), "error", json_of(text));
  json_object_set_new(json.get(), "max_slots", json_integer(max_slots));
  return json_text(json, 0);
}

static std::string answer_of_status(const char* status) {
  const Json json(json_object());
  json_object_set_new(json.get(), "status", json_string(status));
  return json_text(json, 0);
}

std::string answer_health() { return answer_of_status("ok"); }
std::string answer_ready() { return answer_of_status("ready"); }

std::string answer_removed(std::string_view client, std::string_view container_id, int port) {
  const Json json(json_object());
  json_object_set_new(json.get(), "status", json_string("removed"));
  json_object_set_new(json.get(), "client_id", json_of(client));
  json_object_set_new(json.get(), "container_id", json_of(container_id));
  json_object_set_new(json.get(), "port", json_integer(port));
  return json_text(json, 0);
}

std::string answer_removed_all(int removed) {
  const Json json(json_object());
  json_object_set_new(json.get(), "status", json_string(removed == 0 ? "empty" : "removed_all"));
  json_object_set_new(json.get(), "removed", json_integer(removed));
  return json_text(json, 0);
}

std::string answer_drained(bool draining, int sessions) {
  const Json json(json_object());
  json_object_set_new(json.get(), "status", json_string(draining ? "draining" : "serving"));
  json_object_set_new(json.get(), "sessions", json_integer(sessions));
  return json_text(json, 0);
}

std::string answer_status(const std::vector<Record>& records, const StatusFacts& facts) {
  const auto pool = std::count_if(records.begin(), records.end(),
                                  [](const Record& record) { return record.client_id == kPoolClient; });
  const Json json(json_object());
  json_object_set_new(json.get(), "active_containers", json_integer(static_cast<json_int_t>(records.size())));
  json_object_set_new(json.get(), "pool_containers", json_integer(static_cast<json_int_t>(pool)));
  json_object_set_new(json.get(), "max_slots", json_integer(facts.max_slots));
  json_object_set_new(json.get(), "pool_target", json_integer(facts.pool_target));
  json_object_set_new(json.get(), "engine", json_string(facts.engine_up ? "up" : "away"));
  json_object_set_new(json.get(), "firewall", json_of(facts.firewall));
  json_object_set_new(json.get(), "version", json_of(facts.version));
  json_object_set_new(json.get(), "running_since", json_of(snapshot_time(facts.since_us)));
  json_object_set_new(json.get(), "settings_read_at", json_of(snapshot_time(facts.settings_us)));
  json_object_set_new(json.get(), "draining_since", facts.draining_us == 0 ? json_null() : json_of(snapshot_time(facts.draining_us)));
  json_t* list = json_array();
  for (const Record& record : records) json_array_append_new(list, json_of(record));
  json_object_set_new(json.get(), "records", list);
  return json_text(json, JSON_INDENT(2));
}

std::string answer_status_of(const Record& record) {
  const Json json(json_object());
  json_object_set_new(json.get(), "record", json_of(record));
  return json_text(json, JSON_INDENT(2));
}
