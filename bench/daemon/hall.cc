// The daemon on the engine of this machine.
#include "bench/daemon/hall.h"

#include <algorithm>
#include <chrono>

#include "bench/daemon/paced.h"
#include "support/proc.h"

static std::string pool_name(const Daemon* d) { return d->settings.at("WARM_POOL_SIZE"); }

static void wait_pool(Hall* hall) {
  const int size = atoi(pool_name(hall->daemon).c_str());
  check_at(wait_until(120, [&] { return daemon_status(hall->daemon).pool == size; }), "the pool is not refilled");
}

std::shared_ptr<Hall> hall_open(Scene* scene, const std::string& image, int ports, int pool) {
  auto hall = std::make_shared<Hall>();
  scene->cleanups.push_back([hall] {
    hall->bare.reset();
    hall->pages.reset();
  });
  hall->scene = scene;
  hall->daemon = stand_daemon(scene, 0);
  Daemon* d = hall->daemon;
  const Suite& suite = *scene->suite;
  daemon_set(d, "VNC_IMAGE", image);
  daemon_set(d, "WARM_POOL_SIZE", std::to_string(pool));
  daemon_set_ports(d, 10, ports);
  if (image == kSessionImage) {
    // The session network is made beforehand, so that the page server can listen on the host's address in it.
    const std::string gateway = suite.subnet.substr(0, suite.subnet.rfind('.')) + ".1";
    if (!engine_has_network(suite.socket, suite.network))
      proc_output({"docker", "network", "create", "--subnet", suite.subnet, "--gateway", gateway, suite.network});
    hall->pages = page_server_start(gateway);
    check_at(hall->pages != nullptr, "cannot listen on " + gateway);
    Page page;
    page.body = "<!doctype html><meta charset=utf-8><title>colour</title><style>html{background:#1e90ff}</style>";
    page_server_set(hall->pages.get(), "/", page);
    daemon_set(d, "VNC_APPNAME", "firefox-kiosk " + page_server_url(hall->pages.get(), "/"));
    daemon_set(d, "VNC_SCHEME", "https");
    daemon_set(d, "READY_TIMEOUT_SECONDS", "120");
  }
  daemon_start(d);
  daemon_wait_reconciled(d);
  hall->bare = bare_engine_open(suite.socket);
  wait_pool(hall.get());
  return hall;
}

std::string hall_client(Hall* hall) { return suite_client(*hall->scene->suite, "n" + std::to_string(hall->come++)); }

Texts hall_clients(Hall* hall, int count) {
  Texts out;
  for (int i = 0; i < count; i++) out.push_back(hall_client(hall));
  return out;
}

void hall_remove(Hall* hall, const Texts& clients) {
  std::vector<HttpCall> calls;
  for (const std::string& client : clients) calls.push_back(daemon_call(hall->daemon, "/remove?id=" + url_encode(client)));
  for (const HttpReply& reply : http_calls_at_once(calls)) check_number(reply.status, 200, "/remove");
  wait_pool(hall);
}

std::vector<LaunchSpec> hall_specs(Hall* hall, int count) {
  const int first = daemon_first_slot(hall->daemon);
  std::vector<LaunchSpec> specs;
  for (int i = 0; i < count; i++) {
    LaunchSpec spec = launch_spec(hall->daemon, hall->scene->suite->network + "-bare-" + std::to_string(i), first + i);
    for (auto& [name, value] : spec.labels)
      if (name == kLabelInstance) value = "bare";
    spec.labels.emplace_back(kForeignLabel, hall->scene->suite->network);
    specs.push_back(spec);
  }
  return specs;
}

Storm storm_begin(Hall* hall, const Texts& clients, const std::string& query) {
  Storm storm;
  for (const std::string& client : clients) {
    HttpCall call = daemon_call(hall->daemon, access_path(client, query));
    call.timeout_ms = 150000;
    storm.replies.push_back(http_call_later(call));
  }
  return storm;
}

bool storm_goes_on(Storm* storm) {
  return std::any_of(storm->replies.begin(), storm->replies.end(),
                     [](auto& reply) { return reply.wait_for(std::chrono::seconds(0)) != std::future_status::ready; });
}

void storm_end(Storm* storm) {
  for (auto& later : storm->replies) {
    const HttpReply reply = later.get();
    check_number(reply.status, 302, "an access in the storm: " + reply.error + reply.body);
  }
}

int hall_best_parallel(Hall* hall, int count) {
  int best = 1;
  double best_seconds = 1e9;
  for (int parallel = 1; parallel <= count; parallel *= 2) {
    double seconds = 0;
    bare_remove(hall->bare.get(), bare_make(hall->bare.get(), hall_specs(hall, count), parallel, &seconds));
    printf("%d bare creations, %d at a time: %.2f s\n", count, parallel, seconds);
    if (seconds < best_seconds) {
      best = parallel;
      best_seconds = seconds;
    }
  }
  return best;
}
