// STATE_FILE in the document's format, both ways.
#include "codec/snapshot.h"

#include <jansson.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include "codec/text.h"

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

struct TextFree {
  void operator()(char* text) const { free(text); }
};
using Text = std::unique_ptr<char, TextFree>;

constexpr int64_t kSecond = 1000000;  // microseconds

// 0000-01-02 and 9999-12-31, UTC: a day within what four digits can say, so that every zone's local time has four too.
constexpr int64_t kFirstSecond = -62167132800;
constexpr int64_t kLastSecond = 253402214400;

// Order is that of the file: the document's eight, then ours.
constexpr std::array kKnown = {"client_id",       "container_id", "container_name", "port",
                               "width",           "height",       "created_at",     "last_accessed_at",
                               "size_by_default", "fingerprint",  "boot_id",        "last_accessed_mono_ms",
                               "viewers",         "last_seen_at", "last_seen_mono_ms"};

bool is_known(const char* key) {
  for (const char* known : kKnown) {
    if (strcmp(known, key) == 0) return true;
  }
  return false;
}

json_t* json_of(std::string_view text) {
  json_t* json = json_stringn(text.data(), text.size());
  if (json != nullptr) return json;
  const std::string clean = text_one_line(text, SIZE_MAX);
  return json_stringn(clean.data(), clean.size());
}

std::string_view text_of(const json_t* string) { return {json_string_value(string), json_string_length(string)}; }

// With the fewest digits that read back as the same numbers: 0.1 stays 0.1, as it came.
std::string dump(const json_t* json, size_t flags) {
  for (size_t digits = 15;; digits++) {
    const Text text(json_dumps(json, flags | JSON_REAL_PRECISION(digits)));
    if (text == nullptr) return {};
    if (digits >= 17) return text.get();
    const Json back(json_loads(text.get(), 0, nullptr));
    if (back != nullptr && json_equal(back.get(), json) != 0) return text.get();
  }
}

// ---- Writing. Every claim waits for this text, of all records: what is plain is put down as it is, and jansson has the rest.

// As Python's json.dump writes, ASCII only: the first version reads the file in whatever encoding its machine prefers.
void put_text(std::string* out, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (plain) {
    out->append(1, '"').append(text).append(1, '"');
    return;
  }
  const Json json(json_of(text));
  const Text shown(json_dumps(json.get(), JSON_ENCODE_ANY | JSON_ENSURE_ASCII));
  out->append(shown != nullptr ? shown.get() : "\"\"");
}

char* put_digits(char* to, int64_t value, int count) {
  for (int i = count - 1; i >= 0; i--, value /= 10) to[i] = static_cast<char>('0' + value % 10);
  return to + count;
}

// With the zone as tzset left it.
void put_time(std::string* out, int64_t wall_us) {
  int64_t fraction = wall_us % kSecond;
  if (fraction < 0) fraction += kSecond;
  const time_t seconds = static_cast<time_t>((wall_us - fraction) / kSecond);
  struct tm local = {};
  localtime_r(&seconds, &local);
  if (local.tm_year < -1900 || local.tm_year > 8099) {  // not four digits
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour,
             local.tm_min, local.tm_sec, static_cast<int>(fraction));
    out->append(text);
    return;
  }
  char text[] = "0000-00-00T00:00:00.000000";
  char* to = put_digits(text, local.tm_year + 1900, 4) + 1;
  for (const int part : {local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec}) to = put_digits(to, part, 2) + 1;
  put_digits(to, fraction, 6);
  out->append(text, sizeof text - 1);
}

std::string& put_name(std::string* out, const char* name) { return out->append(",\n    \"").append(name).append("\": "); }

void put_text(std::string* out, const char* name, std::string_view text) { put_text(&put_name(out, name), text); }

void put_number(std::string* out, const char* name, int64_t number) { put_name(out, name).append(std::to_string(number)); }

void put_time(std::string* out, const char* name, int64_t wall_us) {
  put_name(out, name).append(1, '"');
  put_time(out, wall_us);
  out->append(1, '"');
}

// What we do not know goes behind what we do, as it came.
void put_extra(std::string* out, const std::string& text) {
  const Json extra(json_loadb(text.data(), text.size(), 0, nullptr));
  const char* key = nullptr;
  json_t* value = nullptr;
  json_object_foreach(extra.get(), key, value) {
    if (is_known(key)) continue;
    const Json list(json_pack("[{s:O}]", key, value));  // for the indentation of a record's field
    const std::string shown = dump(list.get(), JSON_INDENT(2) | JSON_ENSURE_ASCII);
    constexpr std::string_view kBefore = "[\n  {", kAfter = "\n  }\n]";
    if (shown.size() > kBefore.size() + kAfter.size()) out->append(1, ',').append(shown, kBefore.size(), shown.size() - kBefore.size() - kAfter.size());
  }
}

void put_record(std::string* out, const Record& record) {
  out->append("\n  {\n    \"client_id\": ");
  put_text(out, record.client_id);
  put_text(out, "container_id", record.container_id);
  put_text(out, "container_name", record.container_name);
  put_number(out, "port", record.port);
  put_text(out, "width", record.width);
  put_text(out, "height", record.height);
  put_time(out, "created_at", record.created_us);
  put_time(out, "last_accessed_at", record.last_accessed_us);
  put_name(out, "size_by_default").append(record.size_by_default ? "true" : "false");
  put_text(out, "fingerprint", record.fingerprint);
  put_text(out, "boot_id", record.boot_id);
  put_number(out, "last_accessed_mono_ms", record.last_accessed_mono_ms);
  put_name(out, "viewers").append(record.viewers < 0 ? "null" : std::to_string(record.viewers));
  if (record.last_seen_us == 0)
    put_name(out, "last_seen_at").append("null");
  else
    put_time(out, "last_seen_at", record.last_seen_us);
  put_number(out, "last_seen_mono_ms", record.last_seen_mono_ms);
  if (!record.extra.empty()) put_extra(out, record.extra);
  out->append("\n  }");
}

// ---- Reading.

// Text and numbers are both taken; anything else is as good as absent.
std::string text_or_number(const json_t* json) {
  if (json_is_string(json)) return std::string(text_of(json));
  if (json_is_integer(json)) return std::to_string(json_integer_value(json));
  return {};
}

std::string text_or_nothing(const json_t* json) {
  return json_is_string(json) ? std::string(text_of(json)) : std::string();
}

int64_t time_or(const json_t* json, int64_t fallback_us) {
  int64_t wall_us = fallback_us;
  if (json_is_string(json)) snapshot_parse_time(text_of(json), &wall_us);
  return wall_us;
}

int64_t count_or_unknown(const json_t* json, int64_t most) {
  const json_int_t value = json_is_integer(json) ? json_integer_value(json) : -1;
  return value >= 0 && value <= most ? value : -1;
}

// What we do not know, as the text of one object; empty when there is nothing.
std::string unknown_fields(json_t* object) {
  const Json extra(json_object());
  const char* key = nullptr;
  json_t* value = nullptr;
  json_object_foreach(object, key, value) {
    if (!is_known(key)) json_object_set(extra.get(), key, value);
  }
  return json_object_size(extra.get()) == 0 ? std::string() : dump(extra.get(), JSON_COMPACT);
}

bool parse_record(json_t* object, int64_t fallback_us, Record* out, std::string* problem) {
  if (!json_is_object(object)) {
    *problem = "is not an object";
    return false;
  }
  Record record;
  record.client_id = text_or_nothing(json_object_get(object, "client_id"));
  record.container_id = text_or_nothing(json_object_get(object, "container_id"));
  long port = 0;
  if (record.client_id.empty() || record.container_id.empty()) {
    *problem = std::string("has no text as ") + (record.client_id.empty() ? "client_id" : "container_id");
    return false;
  }
  if (!text_to_int(text_or_number(json_object_get(object, "port")), 1, 65535, &port)) {
    *problem = "has no port from 1 to 65535";
    return false;
  }
  record.port = static_cast<int>(port);
  record.container_name = text_or_nothing(json_object_get(object, "container_name"));
  record.width = text_or_number(json_object_get(object, "width"));
  record.height = text_or_number(json_object_get(object, "height"));
  record.created_us = time_or(json_object_get(object, "created_at"), fallback_us);
  record.last_accessed_us = time_or(json_object_get(object, "last_accessed_at"), fallback_us);
  record.size_by_default = json_is_true(json_object_get(object, "size_by_default"));
  record.fingerprint = text_or_nothing(json_object_get(object, "fingerprint"));
  record.boot_id = text_or_nothing(json_object_get(object, "boot_id"));
  record.last_accessed_mono_ms = count_or_unknown(json_object_get(object, "last_accessed_mono_ms"), INT64_MAX);
  record.viewers = static_cast<int>(count_or_unknown(json_object_get(object, "viewers"), INT32_MAX));
  record.last_seen_us = time_or(json_object_get(object, "last_seen_at"), 0);
  record.last_seen_mono_ms = count_or_unknown(json_object_get(object, "last_seen_mono_ms"), INT64_MAX);
  record.extra = unknown_fields(object);
  *out = std::move(record);
  return true;
}

// Takes `count` digits from the front of *text.
bool take_digits(std::string_view* text, size_t count, int min, int max, int* out) {
  if (text->size() < count) return false;
  int value = 0;
  for (size_t i = 0; i < count; i++) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  if (value < min || value > max) return false;
  text->remove_prefix(count);
  *out = value;
  return true;
}

bool take(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// ".5", ".000123", ".123456789": digits beyond microseconds are dropped.
bool take_fraction(std::string_view* text, int64_t* out_us) {
  int64_t value = 0;
  int64_t unit = kSecond / 10;
  size_t digits = 0;
  for (; digits < text->size() && (*text)[digits] >= '0' && (*text)[digits] <= '9'; digits++) {
    value += ((*text)[digits] - '0') * unit;
    unit /= 10;
  }
  text->remove_prefix(digits);
  *out_us = value;
  return digits > 0;
}

// "Z", "+03", "+0300", "-03:00" -> seconds east of UTC.
bool take_zone(std::string_view* text, long* out_seconds) {
  if (take(text, 'Z') || take(text, 'z')) {
    *out_seconds = 0;
    return true;
  }
  const long sign = text->empty() || text->front() != '-' ? 1 : -1;
  if (!take(text, '+') && !take(text, '-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!take_digits(text, 2, 0, 23, &hours)) return false;
  const bool colon = take(text, ':');
  if ((colon || !text->empty()) && !take_digits(text, 2, 0, 59, &minutes)) return false;
  *out_seconds = sign * (hours * 3600L + minutes * 60L);
  return true;
}

bool is_in_month(int year, int month, int day) {
  static constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[static_cast<size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

}  // namespace

std::string snapshot_write(const std::vector<Record>& records) {
  constexpr size_t kRecordBytes = 640;
  if (records.empty()) return "[]\n";
  tzset();  // localtime_r alone need not look at TZ
  std::string out;
  out.reserve(records.size() * kRecordBytes);
  for (const Record& record : records) {
    out += out.empty() ? '[' : ',';
    put_record(&out, record);
  }
  out += "\n]\n";
  return out;
}

bool snapshot_parse(std::string_view text, int64_t fallback_us, std::vector<Record>* out, std::string* error) {
  if (text_trim(text).empty()) {
    out->clear();
    return true;
  }
  json_error_t fault;
  const Json list(json_loadb(text.data(), text.size(), 0, &fault));
  if (list == nullptr) {
    *error = "not JSON: line " + std::to_string(fault.line) + ": " + text_one_line(fault.text);
    return false;
  }
  if (!json_is_array(list.get())) {
    *error = "not a list of records";
    return false;
  }
  std::vector<Record> records(json_array_size(list.get()));
  for (size_t i = 0; i < records.size(); i++) {
    std::string problem;
    if (!parse_record(json_array_get(list.get(), i), fallback_us, &records[i], &problem)) {
      *error = "record " + std::to_string(i + 1) + " " + problem;
      return false;
    }
  }
  *out = std::move(records);
  return true;
}

std::string snapshot_time(int64_t wall_us) {
  std::string out;
  tzset();
  put_time(&out, wall_us);
  return out;
}

bool snapshot_parse_time(std::string_view text, int64_t* wall_us) {
  text = text_trim(text);
  struct tm when = {};
  int64_t fraction = 0;
  if (!take_digits(&text, 4, 0, 9999, &when.tm_year) || !take(&text, '-') ||
      !take_digits(&text, 2, 1, 12, &when.tm_mon) || !take(&text, '-') ||
      !take_digits(&text, 2, 1, 31, &when.tm_mday) || !is_in_month(when.tm_year, when.tm_mon, when.tm_mday)) {
    return false;
  }
  if (!take(&text, 'T') && !take(&text, ' ')) return false;
  if (!take_digits(&text, 2, 0, 23, &when.tm_hour) || !take(&text, ':') || !take_digits(&text, 2, 0, 59, &when.tm_min))
    return false;
  if (take(&text, ':')) {
    if (!take_digits(&text, 2, 0, 60, &when.tm_sec)) return false;
    if (take(&text, '.') && !take_fraction(&text, &fraction)) return false;
  }
  when.tm_year -= 1900;
  when.tm_mon -= 1;
  when.tm_isdst = -1;  // the hour that a clock change repeats is ambiguous in a naive time; the C library chooses
  int64_t seconds = 0;
  if (text.empty()) {
    seconds = mktime(&when);
  } else {
    long east = 0;
    if (!take_zone(&text, &east) || !text.empty()) return false;
    seconds = timegm(&when) - east;
  }
  if (seconds < kFirstSecond || seconds > kLastSecond) return false;
  *wall_us = seconds * kSecond + fraction;
  return true;
}
