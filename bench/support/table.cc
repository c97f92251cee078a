// Medians, verdicts and the table. The file is read and written whole at each row, so that a run that is cut short keeps its rows.
#include "bench/support/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/engine_client.h"
#include "support/suite.h"

namespace {

struct Aiming {
  Aim aim;
  const char* name;   // in the file
  const char* shown;  // printf with the limit
};
constexpr Aiming kAimings[] = {{Aim::RatioAtMost, "ratio at most", "<= %.2f x"},
                               {Aim::RatioAtLeast, "ratio at least", ">= %.2f x"},
                               {Aim::OursAtMost, "ours at most", "<= %g"},
                               {Aim::MoreAtMost, "more at most", "<= + %g"},
                               {Aim::None, "none", "-"}};

const Aiming& aiming_of(Aim aim) {
  for (const Aiming& one : kAimings) {
    if (one.aim == aim) return one;
  }
  return kAimings[std::size(kAimings) - 1];
}

// With less than half of the machine left, a ratio says more of the others than of the two that are compared.
constexpr double kNoted = 0.25, kTooBusy = 0.5;

bool is_met(const Row& row) {
  double ours = samples_median(row.ours);
  double base = samples_median(row.base);
  if (row.aim != Aim::None && row.busy > kTooBusy) return false;
  switch (row.aim) {
    case Aim::RatioAtMost: return ours <= row.limit * base;
    case Aim::RatioAtLeast: return ours >= row.limit * base;
    case Aim::OursAtMost: return ours <= row.limit;
    case Aim::MoreAtMost: return ours <= base + row.limit;
    case Aim::None: return true;
  }
  return false;
}

bool file_save(const std::string& path, const json_t* document) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  return json_dump_file(document, path.c_str(), JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
}

json_t* json_samples(const std::vector<double>& samples) {
  json_t* list = json_array();
  for (double sample : samples) json_array_append_new(list, json_real(sample));
  return json_pack("{s:f, s:f, s:f, s:o}", "median", samples_median(samples), "min", samples_quantile(samples, 0),
                   "max", samples_quantile(samples, 1), "samples", list);
}

std::vector<double> samples_from(const json_t* side) {
  std::vector<double> out;
  size_t at = 0;
  json_t* value = nullptr;
  json_array_foreach(json_object_get(side, "samples"), at, value) out.push_back(json_number_value(value));
  return out;
}

Row row_from(const json_t* json) {
  Row row;
  row.name = json_text(json, "name");
  row.unit = json_text(json, "unit");
  row.digits = static_cast<int>(json_integer_value(json_object_get(json, "digits")));
  row.limit = json_number_value(json_object_get(json, "limit"));
  row.busy = json_number_value(json_object_get(json, "busy"));
  for (const Aiming& one : kAimings) {
    if (json_text(json, "aim") == one.name) row.aim = one.aim;
  }
  row.base = samples_from(json_object_get(json, "base"));
  row.ours = samples_from(json_object_get(json, "ours"));
  return row;
}

std::string shown(const Row& row, const std::vector<double>& samples) {
  if (samples.empty()) return "-";
  char text[96];
  if (samples.size() == 1)
    snprintf(text, sizeof text, "%.*f", row.digits, samples[0]);
  else
    snprintf(text, sizeof text, "%.*f (%.*f..%.*f)", row.digits, samples_median(samples), row.digits,
             samples_quantile(samples, 0), row.digits, samples_quantile(samples, 1));
  return text;
}

}  // namespace

double samples_median(std::vector<double> samples) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  size_t half = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
}

double samples_quantile(std::vector<double> samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  double rank = std::ceil(share * static_cast<double>(samples.size()));
  return samples[rank < 1 ? 0 : static_cast<size_t>(rank) - 1];
}

void table_begin(const std::string& path, int rounds, const std::string& base_name) {
  JsonPtr document(json_pack("{s:i, s:s, s:[], s:{}}", "rounds", rounds, "base_name", base_name.c_str(), "rows", "series"));
  file_save(path, document.get());
}

bool table_add(const std::string& path, const Row& row) {
  JsonPtr document = json_from(file_text(path));
  if (!document) return false;
  json_array_append_new(
      json_object_get(document.get(), "rows"),
      json_pack("{s:s, s:s, s:i, s:s, s:f, s:f, s:o, s:o, s:b}", "name", row.name.c_str(), "unit", row.unit.c_str(),
                "digits", row.digits, "aim", aiming_of(row.aim).name, "limit", row.limit, "busy", row.busy, "base",
                json_samples(row.base), "ours", json_samples(row.ours), "met", is_met(row)));
  return file_save(path, document.get());
}

bool table_point(const std::string& path, const std::string& series, const std::string& x, double y) {
  JsonPtr document = json_from(file_text(path));
  if (!document) return false;
  json_t* all = json_object_get(document.get(), "series");
  if (json_object_get(all, series.c_str()) == nullptr) json_object_set_new(all, series.c_str(), json_array());
  json_array_append_new(json_object_get(all, series.c_str()), json_pack("[s, f]", x.c_str(), y));
  return file_save(path, document.get());
}

bool table_write_series(const std::string& path) {
  JsonPtr document = json_from(file_text(path));
  const char* name = nullptr;
  json_t* points = nullptr;
  bool written = document != nullptr;
  json_object_foreach(json_object_get(document.get(), "series"), name, points) {
    std::ofstream file(std::filesystem::path(path).parent_path() / (std::string(name) + ".dat"));
    size_t at = 0;
    json_t* point = nullptr;
    json_array_foreach(points, at, point) file << json_string_value(json_array_get(point, 0)) << ' ' << json_number_value(json_array_get(point, 1)) << '\n';
    written = file.flush().good() && written;
  }
  return written;
}

bool table_print(const std::string& path) {
  JsonPtr document = json_from(file_text(path));
  if (!document) return false;
  bool all_met = true;
  printf("\n%-56s %-10s %-28s %-28s %-7s %s\n", "row, median (min..max)", "aim", json_text(document.get(), "base_name").c_str(),
         "ours", "ratio", "verdict");
  size_t at = 0;
  json_t* json = nullptr;
  json_array_foreach(json_object_get(document.get(), "rows"), at, json) {
    Row row = row_from(json);
    char aim[32];
    snprintf(aim, sizeof aim, aiming_of(row.aim).shown, row.limit);
    double base = samples_median(row.base);
    char ratio[32] = "-";
    if (base > 0) snprintf(ratio, sizeof ratio, "%.2f", samples_median(row.ours) / base);
    const char* verdict = row.aim == Aim::None ? "told" : is_met(row) ? "met" : row.busy > kTooBusy ? "NOT COMPARED" : "MISSED";
    all_met = all_met && is_met(row);
    printf("%-56s %-10s %-28s %-28s %-7s %s", (row.name + ", " + row.unit).c_str(), aim, shown(row, row.base).c_str(),
           shown(row, row.ours).c_str(), ratio, verdict);
    if (row.busy > kNoted) printf("  (others used %.0f %% of the machine)", row.busy * 100);
    printf("\n");
  }
  return all_met;
}
