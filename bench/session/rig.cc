// Containers through docker's own command, their figures from the kernel's control groups, viewers through WebDriver.
#include "bench/session/rig.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support/engine_client.h"
#include "support/proc.h"
#include "support/rfb.h"

std::vector<Kind> kinds_of_round(int round) {
  if (round % 2 == 0) return {Kind::Stock, Kind::Ours};
  return {Kind::Ours, Kind::Stock};
}

std::vector<double>* samples_of(Row* row, Kind kind) { return kind == Kind::Stock ? &row->base : &row->ours; }

void row_done(const Row& row) { check_at(table_add(kResults, row), std::string("cannot write ") + kResults); }

// ---- containers ------------------------------------------------------------------------------------------------------

std::string bench_create(Stage* stage, Kind kind, const std::string& name, const std::string& path) {
  std::string url = page_server_url(stage->pages.get(), path);
  std::string full = stage->fixture->prefix + name;
  stage->containers.push_back(full);
  proc_output({"docker", "create", "--name", full, "--network", stage->fixture->network, "--shm-size", "256m", "-p",
               "127.0.0.1::6080", "-e", kind == Kind::Stock ? "URL=" + url : "APPNAME=firefox-kiosk " + url,
               kind == Kind::Stock ? kStockImage : stage->fixture->image});
  return full;
}

double bench_start(Stage* /*stage*/, const std::string& name, unsigned rgb, Box* out) {
  double begin = now_seconds();
  HttpReply reply = engine_call(kEngineSocket, "POST", "/containers/" + name + "/start");
  check_at(reply.status == 204, "cannot start " + name + ": " + reply.body);
  out->name = name;
  out->address =
      proc_output({"docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name});
  std::string published = proc_output({"docker", "port", name, "6080/tcp"});
  out->port = atoi(published.substr(published.rfind(':') + 1).c_str());
  // One connection, kept: the X server of either kind sees the same viewer.
  RfbPtr rfb;
  double end = begin + 90;
  while (now_seconds() < end) {
    if (!rfb) rfb = rfb_connect(out->address, 5900);
    Picture picture;
    if (rfb && !rfb_frame(rfb.get(), &picture)) rfb.reset();
    if (rfb && picture_share(picture, rgb) > 0.5) return now_seconds() - begin;
    usleep(30000);
  }
  check_at(false, name + " does not show its page:\n" + box_log(*out));
  return 0;
}

Box bench_run(Stage* stage, Kind kind, const std::string& name, const std::string& path, unsigned rgb) {
  Box box;
  bench_start(stage, bench_create(stage, kind, name, path), rgb, &box);
  return box;
}

namespace {

// The control group of this controller: "memory" or "cpuacct" in version 1; version 2 has one for all.
std::string cgroup_folder(const Box& box, const std::string& controller) {
  SeenContainer seen;
  check_at(engine_inspect(kEngineSocket, box.name, &seen) && seen.pid > 0, box.name + " does not run");
  std::istringstream lines(file_text("/proc/" + std::to_string(seen.pid) + "/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    size_t first = line.find(':');
    size_t second = line.find(':', first + 1);
    std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") return "/sys/fs/cgroup" + line.substr(second + 1);
    if (controllers.find("," + controller + ",") != std::string::npos)
      return "/sys/fs/cgroup/" + controller + line.substr(second + 1);
  }
  check_at(false, "no control group for the " + controller + " of " + box.name);
  return "";
}

double field_of(const std::string& text, const std::string& name) {
  std::istringstream words(text);
  std::string word;
  double value = 0;
  while (words >> word >> value) {
    if (word == name) return value;
  }
  return 0;
}

}  // namespace

Memory box_memory(const Box& box) {
  std::string folder = cgroup_folder(box, "memory");
  std::string stat = file_text(folder + "/memory.stat");
  bool is_v1 = stat.find("total_rss ") != std::string::npos;
  const double kMiB = 1024.0 * 1024;
  Memory memory;
  memory.anonymous = field_of(stat, is_v1 ? "total_rss" : "anon") / kMiB;
  memory.shared = field_of(stat, is_v1 ? "total_shmem" : "shmem") / kMiB;
  memory.mapped = field_of(stat, is_v1 ? "total_mapped_file" : "file_mapped") / kMiB;
  check_at(memory.anonymous > 0, "no figures in " + folder);
  return memory;
}

double box_cpu_seconds(const Box& box) {
  std::string folder = cgroup_folder(box, "cpuacct");
  std::string nanoseconds = file_text(folder + "/cpuacct.usage");
  if (!nanoseconds.empty()) return atof(nanoseconds.c_str()) / 1e9;
  return field_of(file_text(folder + "/cpu.stat"), "usage_usec") / 1e6;
}

// ---- viewers ---------------------------------------------------------------------------------------------------------

std::string viewer_url(Kind kind, const Box& box) {
  return box_url(box, "http", kind == Kind::Stock ? "/vnc.html?autoconnect=true&resize=scale" : "/");
}

double viewer_go(Browser* browser, const std::string& url, unsigned rgb) { return viewer_show(browser, url, rgb).page_ms; }
