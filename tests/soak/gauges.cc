// Reads memory, descriptors, threads, containers, endpoints and files, and tells their slopes.
#include "soak/gauges.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "soak/slope.h"
#include "support/memory.h"

// A page or two more or less is the allocator's; all others are counted in whole things.
const Gauge kGaugeTable[kGauges] = {
    {"private dirty memory", "KiB", 16},
    {"resident memory", "KiB", 64},
    {"file descriptors", "", 1},
    {"threads", "", 1},
    {"containers, in any state", "", 1},
    {"endpoints of the networks", "", 1},
    {"state folder without logs", "B", 64},
    {"files in it", "", 1},
    {"container folders of the engine", "", 1},
    {"log of one day", "B", 1},
};

namespace {

double number_after(const std::string& text, const std::string& key) {
  size_t at = text.find("\n" + key + ":");
  return at == std::string::npos ? 0 : atof(text.c_str() + at + key.size() + 2);
}

size_t files_in(const std::string& folder) {
  std::error_code none;
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder, none), {}));
}

size_t endpoints_of(const std::string& socket, const std::string& network) {
  JsonPtr json = json_from(engine_call(socket, "GET", "/networks/" + network).body);
  return json_object_size(json_object_get(json.get(), "Containers"));
}

}  // namespace

size_t process_descriptors(pid_t pid) { return files_in("/proc/" + std::to_string(pid) + "/fd"); }

size_t log_bytes(const Daemon* daemon) {
  size_t bytes = 0;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(daemon->folder + "/logs", none))
    bytes += entry.file_size(none);
  return bytes;
}

double gauges_threads(const Daemon* daemon) {
  return number_after(file_text("/proc/" + std::to_string(daemon->pid) + "/status"), "Threads");
}

Reading gauges_read(const Daemon* daemon, const std::string& network, const std::string& engine_data) {
  Reading reading;
  const std::string status = file_text("/proc/" + std::to_string(daemon->pid) + "/status");
  reading.values[kPrivateDirty] = static_cast<double>(memory_private_dirty_kib(daemon->pid));
  reading.values[kResident] = number_after(status, "VmRSS");
  reading.values[kDescriptors] = static_cast<double>(process_descriptors(daemon->pid));
  reading.values[kThreads] = gauges_threads(daemon);
  reading.values[kContainers] = static_cast<double>(daemon_containers(daemon).size());
  reading.values[kEndpoints] = static_cast<double>(endpoints_of(daemon->socket, network));
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(daemon->folder, none)) {
    // stderr says what the log says.
    if (!entry.is_regular_file() || entry.path().filename() == "stderr") continue;
    reading.values[kStateBytes] += static_cast<double>(entry.file_size(none));
    reading.values[kStateFiles]++;
  }
  reading.values[kEngineFolders] = static_cast<double>(files_in(engine_data));
  return reading;
}

bool gauges_show(const std::vector<Reading>& nights) {
  bool level = true;
  printf("| gauge | first night | last | least | most | slope an hour | standard error | verdict |\n");
  printf("|---|---|---|---|---|---|---|---|\n");
  for (size_t g = 0; g < kGauges; g++) {
    std::vector<std::pair<double, double>> points;
    std::vector<double> values;
    for (const Reading& night : nights) {
      points.emplace_back(night.hours, night.values[g]);
      values.push_back(night.values[g]);
    }
    const Slope slope = slope_of(points);
    const bool too_short = g <= kResident && nights.back().hours - nights.front().hours < 0.25;
    const bool is_level = slope_is_level(slope, kGaugeTable[g].least);
    level = level && (is_level || too_short);
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    printf("| %s%s%s | %.0f | %.0f | %.0f | %.0f | %+.2f | %.2f | %s |\n", kGaugeTable[g].name,
           *kGaugeTable[g].unit ? ", " : "", kGaugeTable[g].unit, values.front(), values.back(), *least, *most,
           slope.per_hour, slope.error,
           is_level    ? "level"
           : too_short ? "too short to tell"
                       : "NOT LEVEL");
  }
  return level;
}
