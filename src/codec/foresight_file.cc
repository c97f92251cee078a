// What the pool has learnt, as JSON: one row of four numbers for each kind of quarter.
#include "codec/foresight_file.h"

#include <jansson.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <span>

namespace {

constexpr int kVersion = 1;
constexpr double kNumberMost = 1e12;

struct JsonFree {
  void operator()(json_t* json) const { json_decref(json); }
};
using JsonPtr = std::unique_ptr<json_t, JsonFree>;

json_t* row_of(const Demand& demand) { return json_pack("[f,f,f,f]", demand.quarters, demand.asked, demand.crowd, demand.crowd2); }

json_t* rows_of(std::span<const Demand> demands) {
  json_t* rows = json_array();
  for (const Demand& demand : demands) json_array_append_new(rows, row_of(demand));
  return rows;
}

bool read_number(const json_t* json, double least, double most, double* out) {
  const double value = json_number_value(json);
  if (!json_is_number(json) || !std::isfinite(value) || value < least || value > most) return false;
  *out = value;
  return true;
}

bool read_row(const json_t* row, Demand* out) {
  if (json_array_size(row) != 4) return false;
  double* const fields[] = {&out->quarters, &out->asked, &out->crowd, &out->crowd2};
  for (size_t i = 0; i < 4; ++i) {
    if (!read_number(json_array_get(row, i), 0, kNumberMost, fields[i])) return false;
  }
  return true;
}

bool read_rows(const json_t* rows, std::span<Demand> out) {
  if (json_array_size(rows) != out.size()) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    if (!read_row(json_array_get(rows, i), &out[i])) return false;
  }
  return true;
}

bool read_all(const json_t* root, Foresight* out) {
  const json_t* trust = json_object_get(root, "trust");
  if (json_integer_value(json_object_get(root, "version")) != kVersion || json_array_size(trust) != kSeers) return false;
  for (size_t i = 0; i < kSeers; ++i) {
    if (!read_number(json_array_get(trust, i), -kNumberMost, 0, &out->trust[i])) return false;
  }
  return read_number(json_object_get(root, "lead_mean_s"), 0, 3600, &out->lead_mean_s) &&
         read_number(json_object_get(root, "lead_spread_s"), 0, 3600, &out->lead_spread_s) &&
         read_number(json_object_get(root, "lead_s"), 0, 3600, &out->lead_s) && read_row(json_object_get(root, "hour"), &out->hour) &&
         read_row(json_object_get(root, "always"), &out->always) && read_rows(json_object_get(root, "day"), out->day) &&
         read_rows(json_object_get(root, "week"), out->week);
}

}  // namespace

std::string foresight_write(const Foresight& foresight) {
  JsonPtr root(json_pack("{s:i, s:f, s:f, s:f, s:o, s:o}", "version", kVersion, "lead_mean_s", foresight.lead_mean_s, "lead_spread_s",
                         foresight.lead_spread_s, "lead_s", foresight.lead_s, "hour", row_of(foresight.hour), "always", row_of(foresight.always)));
  json_t* trust = json_array();
  for (const double one : foresight.trust) json_array_append_new(trust, json_real(one));
  json_object_set_new(root.get(), "trust", trust);
  json_object_set_new(root.get(), "day", rows_of(foresight.day));
  json_object_set_new(root.get(), "week", rows_of(foresight.week));
  const std::unique_ptr<char, decltype(&free)> text(json_dumps(root.get(), JSON_COMPACT | JSON_REAL_PRECISION(6)), free);
  return text ? std::string(text.get()) + "\n" : std::string();
}

bool foresight_parse(std::string_view text, Foresight* out, std::string* problem) {
  json_error_t error;
  const JsonPtr root(json_loadb(text.data(), text.size(), 0, &error));
  auto read = std::make_unique<Foresight>();
  if (root && read_all(root.get(), read.get())) {
    *out = *read;
    return true;
  }
  *problem = root ? "it is not what this version writes" : error.text;
  return false;
}
