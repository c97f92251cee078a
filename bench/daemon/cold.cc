// Cold starts: a session that has to be made first. The engine's own create, start and health are the limit.
#include <unistd.h>

#include <algorithm>

#include "bench/daemon/hall.h"
#include "bench/daemon/paced.h"
#include "bench/daemon/rows.h"
#include "support/x_windows.h"

void cold(Scene* scene) {
  auto hall = hall_open(scene, kSessionImage, 2, 0);
  Row row = {.name = "cold creation, request to 302", .unit = "s", .digits = 3, .aim = Aim::RatioAtMost, .limit = 1.03};
  row_wait_for_quiet(&row);
  rounds_alternate(
      true,
      [&](int round) {
        double seconds = 0;
        const std::vector<BareMade> made = bare_make(hall->bare.get(), hall_specs(hall.get(), 1), 1, &seconds);
        bare_remove(hall->bare.get(), made);
        if (round >= 0) row.base.push_back(seconds);
      },
      [&](int round) {
        const std::string client = hall_client(hall.get());
        const double seconds = line_ask(line_open(daemon_port(hall->daemon)).get(), access_path(client)) / 1000;
        hall_remove(hall.get(), {client});
        if (round >= 0) row.ours.push_back(seconds);
      });
  row_done(row);
}

// The tiny image, whose start costs next to nothing: with the session image sixteen browsers that start would hide what the daemon adds.
void cold_together(Scene* scene) {
  constexpr int kTogether = 16;
  auto hall = hall_open(scene, kTinyImage, kTogether, 0);
  Row row = {.name = "16 cold creations at once", .unit = "s", .digits = 2, .aim = Aim::RatioAtMost, .limit = 1.05};
  row_wait_for_quiet(&row);
  const int parallel = hall_best_parallel(hall.get(), kTogether);
  row.name += ", beside " + std::to_string(parallel) + " bare at a time";
  rounds_alternate(
      false,
      [&](int) {
        double seconds = 0;
        bare_remove(hall->bare.get(), bare_make(hall->bare.get(), hall_specs(hall.get(), kTogether), parallel, &seconds));
        row.base.push_back(seconds);
      },
      [&](int) {
        const Texts clients = hall_clients(hall.get(), kTogether);
        Texts paths;
        for (const std::string& client : clients) paths.push_back(access_path(client));
        row.ours.push_back(burst_ask(daemon_port(hall->daemon), paths).all_ms / 1000);
        hall_remove(hall.get(), clients);
      });
  row_done(row);
}

void refill(Scene* scene) {
  constexpr int kClaimed = 8;
  auto hall = hall_open(scene, kTinyImage, 2 * kClaimed, kClaimed);
  Row row = {.name = "pool refilled after 8 claims", .unit = "s", .digits = 2, .aim = Aim::RatioAtMost, .limit = 1.1};
  row_wait_for_quiet(&row);
  // On the ports that are free beside the pool.
  auto specs = [&] {
    std::vector<LaunchSpec> all = hall_specs(hall.get(), kClaimed);
    for (size_t i = 0; i < all.size(); i++) all[i].host_port = scene->suite->first_port + 30 + static_cast<int>(i);
    return all;
  };
  int parallel = 1;
  double best = 1e9;
  for (int tried = 1; tried <= kClaimed; tried *= 2) {
    double seconds = 0;
    bare_remove(hall->bare.get(), bare_make(hall->bare.get(), specs(), tried, &seconds));
    if (seconds < best) parallel = tried;
    best = std::min(best, seconds);
  }
  row.name += ", beside " + std::to_string(parallel) + " bare at a time";
  rounds_alternate(
      false,
      [&](int) {
        double seconds = 0;
        bare_remove(hall->bare.get(), bare_make(hall->bare.get(), specs(), parallel, &seconds));
        row.base.push_back(seconds);
      },
      [&](int) {
        const Texts clients = hall_clients(hall.get(), kClaimed);
        Texts paths;
        for (const std::string& client : clients) paths.push_back(access_path(client));
        const double begin = now_seconds();
        burst_ask(daemon_port(hall->daemon), paths);
        const LinePtr line = line_open(daemon_port(hall->daemon));
        std::string answer;
        do {
          check_at(now_seconds() - begin < 60, "the pool is not refilled");
          usleep(10000);
          line_ask(line.get(), "/status", 200, &answer);
        } while (answer.find("\"pool_containers\": " + std::to_string(kClaimed)) == std::string::npos);
        row.ours.push_back(now_seconds() - begin);
        hall_remove(hall.get(), clients);
      });
  row_done(row);
}

// One cold start seen from outside while it goes on, for the plot: a container made by the bare engine, looked at every few milliseconds.
void phases(Scene* scene) {
  auto hall = hall_open(scene, kSessionImage, 2, 0);
  std::vector<std::vector<double>> at(5);  // created, started, X answers, Firefox has a window, painted; ms
  for (int round = -1; round < bench_rounds(); round++) {
    const std::vector<LaunchSpec> specs = hall_specs(hall.get(), 1);
    const double begin = now_seconds();
    auto later = std::async(std::launch::async, [&] { return bare_try(hall->bare.get(), specs, 1, nullptr); });
    const std::string& name = specs.front().name;
    SeenContainer seen;
    check_at(wait_until(30, [&] { return engine_inspect(scene->suite->socket, name, &seen) && seen.pid > 0; }), "no container");
    const std::string display = "/proc/" + std::to_string(seen.pid) + "/root/tmp/.X11-unix/X0";
    std::vector<XWindow> windows;
    auto moment = [&](const std::function<bool()>& holds) {
      while (!holds() && now_seconds() - begin < 60) usleep(5000);
      return (now_seconds() - begin) * 1000;
    };
    const double x = moment([&] { return x_windows(display, &windows); });
    const double firefox = moment([&] { return x_windows(display, &windows) && !windows.empty(); });
    const std::vector<BareMade> made = later.get();
    bare_remove(hall->bare.get(), made);
    check_at(made[0].error.empty(), made[0].error);
    if (round < 0) continue;
    const double moments[] = {made[0].created_ms, made[0].started_ms, x, firefox, made[0].healthy_ms};
    for (size_t i = 0; i < at.size(); i++) at[i].push_back(moments[i]);
  }
  const char* names[] = {"create", "start", "X", "Firefox", "painted"};
  for (size_t i = 0; i < at.size(); i++) {
    const double median = samples_median(at[i]);
    point_add("cold_start_ms", names[i], median);
    row_done({.name = std::string("cold start, until: ") + names[i], .unit = "ms", .digits = 0, .ours = at[i]});
  }
}
