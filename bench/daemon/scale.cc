// What a table of 1,000 sessions costs those who ask: a start, and somebody who looks at /status.
#include <algorithm>

#include "bench/daemon/baselines.h"
#include "bench/daemon/rows.h"

namespace {

constexpr int kMany = 1000;

// What a start cannot do without, one call after the other.
double engine_calls_ms(const Daemon* d) {
  const double begin = now_seconds();
  check_number(engine_call(d->socket, "GET", "/version").status, 200, "version");
  check_number(engine_call(d->socket, "GET", "/networks/" + d->settings.at("DOCKER_NETWORK_NAME")).status, 200, "network");
  const HttpReply list = engine_call(d->socket, "GET", "/containers/json?all=1");
  check_number(list.status, 200, "listing");
  return (now_seconds() - begin) * 1000;
}

// From the moment of its start until a session's link is answered; who asks is not let in at first, and asks again at once.
double start_to_reuse_ms(Daemon* d) {
  const double begin = now_seconds();
  daemon_spawn(d);
  int fd = -1;
  while ((fd = tcp_connect(daemon_port(d))) < 0) {
    check_at(now_seconds() - begin < 20, "the daemon does not come up");
    usleep(200);
  }
  tcp_close(fd);
  line_ask(line_open(daemon_port(d)).get(), access_path(crew_client(7)));
  return (now_seconds() - begin) * 1000;
}

}  // namespace

void restart(Scene* scene) {
  Daemon* d = stand_daemon(scene, 0);
  stand_crew(scene, d, Crew{.sessions = kMany - 4, .pool = 0, .spare = 4, .started = false});
  Row row = {.name = "start with 1,000 records to the first reuse", .unit = "ms", .digits = 1, .aim = Aim::MoreAtMost, .limit = 50};
  row_wait_for_quiet(&row);
  rounds_alternate(
      true,
      [&](int round) {
        const double ms = engine_calls_ms(d);
        if (round >= 0) row.base.push_back(ms);
      },
      [&](int round) {
        const double ms = start_to_reuse_ms(d);
        if (round >= 0) row.ours.push_back(ms);
        daemon_stop(d);
      });
  row_done(row);
}

// Somebody asks for /status, and at the same moment somebody else for what needs no table. By how much that comes later than alone, the loop was held.
void status_hold(Scene* scene) {
  constexpr int kLooks = 100;
  Daemon* d = stand_daemon(scene, 0);
  stand_crew(scene, d, Crew{.sessions = kMany - 4, .pool = 0, .spare = 4});
  Row row = {.name = "/status of 1,000: another's answer meanwhile, p99", .unit = "ms", .digits = 2, .aim = Aim::OursAtMost, .limit = 5};
  row_wait_for_quiet(&row);
  const LinePtr watcher = line_open(daemon_port(d)), other = line_open(daemon_port(d));
  rounds_alternate(
      true,
      [&](int round) {
        std::vector<double> ms;
        for (int i = 0; i < kLooks; i++) ms.push_back(line_ask(other.get(), "/health", 200));
        if (round >= 0) row.base.push_back(samples_quantile(ms, 0.99));
      },
      [&](int round) {
        std::vector<double> ms;
        for (int i = 0; i < kLooks; i++) {
          line_send(watcher.get(), "/status");
          ms.push_back(line_ask(other.get(), "/health", 200));
          line_hear(watcher.get(), "/status", 200);
        }
        if (round >= 0) row.ours.push_back(samples_quantile(ms, 0.99));
      });
  row_done(row);
}
