// Reuse: who has a session asks for its link again. How many a second, how late the slowest, and what one of them costs.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "bench/daemon/baselines.h"
#include "bench/daemon/idler.h"
#include "bench/daemon/paced.h"
#include "bench/daemon/rows.h"

namespace {

constexpr int kSessions = 100;
constexpr int kConnections = 32;
constexpr double kSeconds = 1;

std::string wrk(int port, const std::string& path, bool keep_alive) {
  std::vector<std::string> words = {"wrk", "-t1", "-c" + std::to_string(kConnections), "-d" + std::to_string(static_cast<int>(kSeconds)) + "s"};
  if (!keep_alive) words.insert(words.end(), {"-H", "Connection: close"});
  words.push_back("http://127.0.0.1:" + std::to_string(port) + path);
  return proc_output(words);
}

struct Rate {
  double a_second = 0;
  double processor_us = 0;  // of the server, all its threads, for one
};

// Requests, all of them answered with a redirect.
Rate rate_of(int port, pid_t pid, const std::string& path, bool keep_alive) {
  Idler before = {.pid = pid}, after = before;
  idler_look(&before);
  const std::string text = wrk(port, path, keep_alive);
  idler_look(&after);
  const size_t rate = text.find("Requests/sec:"), count = text.rfind('\n', text.find(" requests in "));
  check_at(rate != std::string::npos && count != std::string::npos && text.find("Non-2xx or 3xx") == std::string::npos &&
               text.find("Socket errors") == std::string::npos,
           "wrk had errors: " + text);
  return {atof(text.c_str() + rate + 13), (after.cpu - before.cpu) / atof(text.c_str() + count) * 1e6};
}

struct Servers {
  Daemon* daemon = nullptr;
  std::string path;
  Beside bare, nginx;
};

Servers servers_start(Scene* scene) {
  Servers servers;
  servers.daemon = stand_daemon(scene, 0);
  stand_crew(scene, servers.daemon, Crew{.sessions = kSessions, .pool = 2, .spare = 4});
  servers.path = access_path(crew_client(7));
  servers.bare = bare_http_start(scene, servers.daemon, servers.path, 1);
  servers.nginx = nginx_start(scene, servers.daemon, servers.path, 2);
  return servers;
}

void rates(const Servers& servers, bool keep_alive, Row row, Row beside, Row processor) {
  row_wait_for_quiet(&row);
  beside.busy = processor.busy = row.busy;
  rounds_alternate(
      true,
      [&](int round) {
        const Rate bare = rate_of(servers.bare.port, servers.bare.pid, servers.path, keep_alive);
        const Rate nginx = rate_of(servers.nginx.port, servers.nginx.pid, servers.path, keep_alive);
        if (round < 0) return;
        row.base.push_back(bare.a_second);
        processor.base.push_back(bare.processor_us);
        beside.base.push_back(nginx.a_second);
      },
      [&](int round) {
        const Rate ours = rate_of(daemon_port(servers.daemon), servers.daemon->pid, servers.path, keep_alive);
        if (round < 0) return;
        row.ours.push_back(ours.a_second);
        processor.ours.push_back(ours.processor_us);
        beside.ours.push_back(ours.a_second);
      });
  row_done(row);
  row_done(beside);
  row_done(processor);
}

}  // namespace

void reuse(Scene* scene) {
  rates(servers_start(scene), true,
        {.name = "reuse, 32 kept connections", .unit = "1/s", .digits = 0, .aim = Aim::RatioAtLeast, .limit = 0.9},
        {.name = "the same beside nginx, one worker", .unit = "1/s", .digits = 0},
        {.name = "the same, processor time of one", .unit = "us", .digits = 1});
}

void reuse_connect(Scene* scene) {
  rates(servers_start(scene), false,
        {.name = "reuse, a new connection each", .unit = "1/s", .digits = 0, .aim = Aim::RatioAtLeast, .limit = 0.9},
        {.name = "the same beside nginx, one worker", .unit = "1/s", .digits = 0},
        {.name = "the same, processor time of one", .unit = "us", .digits = 1});
}

// Half of what the daemon can do, for both.
void reuse_late(Scene* scene) {
  const Servers servers = servers_start(scene);
  const double rate = rate_of(daemon_port(servers.daemon), servers.daemon->pid, servers.path, true).a_second / 2;
  char name[96];
  snprintf(name, sizeof name, "reuse, p99 at half that rate (%.0f/s)", rate);
  Row row = {.name = name, .unit = "ms", .digits = 3, .aim = Aim::RatioAtMost, .limit = 1.2};
  Row median = {.name = "the same, p50", .unit = "ms", .digits = 3};
  row_wait_for_quiet(&row);
  median.busy = row.busy;
  auto measure = [&](int port, int round, std::vector<double>* p99, std::vector<double>* p50) {
    const std::vector<double> ms = paced_ask_for(port, servers.path, kConnections, rate, round < 0 ? 1 : 2);
    if (round < 0) return;
    p99->push_back(samples_quantile(ms, 0.99));
    p50->push_back(samples_median(ms));
  };
  rounds_alternate(
      true, [&](int round) { measure(servers.bare.port, round, &row.base, &median.base); },
      [&](int round) { measure(daemon_port(servers.daemon), round, &row.ours, &median.ours); });
  row_done(row);
  row_done(median);
}

namespace {

// Lines of strace's table: "% time, seconds, usecs/call, calls, [errors,] syscall".
double system_calls(pid_t pid, const std::string& table, const std::function<void()>& during) {
  auto strace = std::make_shared<ProcPtr>(proc_start({"strace", "-f", "-c", "-U", "calls,name", "-o", table, "-p", std::to_string(pid)}, table + ".said"));
  check_at(wait_until(5, [&] { return file_text(table + ".said").find("attached") != std::string::npos; }), "strace does not attach");
  during();
  kill((*strace)->pid, SIGINT);
  check_at(wait_until(5, [&] { return !proc_runs(strace->get()); }), "strace does not end");
  std::istringstream lines(file_text(table));
  double calls = 0;
  for (std::string line; std::getline(lines, line);) {
    double count = 0;
    char call[64];
    if (sscanf(line.c_str(), "%lf %63s", &count, call) == 2 && std::string(call) != "total") calls += count;
  }
  return calls;
}

// The memory calls that the counter in the process (bench/baseline/count_malloc.cc) has seen.
double memory_calls(const std::string& counter) {
  const std::string bytes = file_text(counter);
  uint64_t count = 0;
  check_at(bytes.size() >= sizeof count, "no count of allocations");
  memcpy(&count, bytes.data(), sizeof count);
  return static_cast<double>(count);
}

struct Price {
  double calls = 0, allocations = 0, log_bytes = 0;
};

// Of one request, as the slope over many on one connection: what the process does besides is in a run of none.
Price price_of(int port, pid_t pid, const std::string& path, const std::string& counter, const std::string& log, const std::string& table) {
  constexpr int kAsked = 2000;
  LinePtr line = line_open(port);
  auto ask = [&](int times) {
    for (int i = 0; i < times; i++) line_ask(line.get(), path);
  };
  ask(100);
  sleep(2);
  Price price;
  const double allocated = memory_calls(counter);
  const size_t logged = std::filesystem::file_size(log);
  ask(kAsked);
  sleep(2);
  price.allocations = (memory_calls(counter) - allocated) / kAsked;
  price.log_bytes = static_cast<double>(std::filesystem::file_size(log) - logged) / kAsked;
  price.calls = system_calls(pid, table, [&] { ask(kAsked); }) / kAsked;
  return price;
}

}  // namespace

void price(Scene* scene) {
  const std::string library = baseline_program("count_malloc.so");
  Daemon* d = stand_daemon(scene, 0);
  const std::string ours = scene->folder + "/ours.count", bare = scene->folder + "/bare.count";
  d->environment["LD_PRELOAD"] = library;
  d->environment["COUNT_MALLOC"] = ours;
  stand_crew(scene, d, Crew{.sessions = kSessions, .pool = 2, .spare = 4});
  const std::string path = access_path(crew_client(7));
  setenv("LD_PRELOAD", library.c_str(), 1);
  setenv("COUNT_MALLOC", bare.c_str(), 1);
  const Beside beside = bare_http_start(scene, d, path, 1);
  unsetenv("LD_PRELOAD");
  Row calls = {.name = "one reuse: system calls", .unit = "", .digits = 2}, allocations = {.name = "one reuse: allocations", .unit = "", .digits = 1},
      bytes = {.name = "one reuse: log", .unit = "bytes", .digits = 0};
  auto note = [](Price price, std::vector<double>* a, std::vector<double>* b, std::vector<double>* c) {
    a->push_back(price.calls);
    b->push_back(price.allocations);
    c->push_back(price.log_bytes);
  };
  note(price_of(beside.port, beside.pid, path, bare, beside.log, scene->folder + "/bare.calls"), &calls.base, &allocations.base, &bytes.base);
  note(price_of(daemon_port(d), d->pid, path, ours, daemon_log_path(d), scene->folder + "/ours.calls"), &calls.ours, &allocations.ours, &bytes.ours);
  row_done(calls);
  row_done(allocations);
  row_done(bytes);
}
