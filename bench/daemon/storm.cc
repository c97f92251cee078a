// Reuse and claims while sixteen sessions start on the engine of this machine; beside them the bare handler and the durable write in the same storm.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "bench/daemon/baselines.h"
#include "bench/daemon/hall.h"
#include "bench/daemon/paced.h"
#include "bench/daemon/rows.h"

namespace {

constexpr int kTogether = 16;
constexpr double kReuseRate = 500, kClaimRate = 20;
constexpr int kPool = 900;  // on a stand-in, since the engine has enough to do; no port is free to refill it, so that every claim is alike

// Writes at the pace of the claims until told that it is enough.
std::vector<double> writes_beside(const std::string& folder, const std::string& bytes, const std::atomic<bool>* enough) {
  std::vector<double> out;
  const double begin = now_seconds();
  for (double count = 0; !*enough; count++) {
    const double wait = begin + count / kClaimRate - now_seconds();
    if (wait > 0) usleep(static_cast<useconds_t>(wait * 1e6));
    const double due = begin + count / kClaimRate;
    if (durable_write_ms(folder, bytes) < 0) return {};
    out.push_back((now_seconds() - due) * 1000);
  }
  return out;
}

}  // namespace

void storm(Scene* scene) {
  auto hall = hall_open(scene, kTinyImage, kTogether + 1, 0);
  const std::string sitting = hall_client(hall.get());
  check_number(daemon_get(hall->daemon, access_path(sitting)).status, 302, "/access");
  const Beside bare = bare_http_start(scene, hall->daemon, access_path(sitting), 2);
  Daemon* pool = stand_daemon(scene, 1);
  stand_crew(scene, pool, Crew{.sessions = 10, .pool = kPool, .spare = 0});
  int come = 0;
  Row reuse = {.name = "reuse p99 while 16 sessions start", .unit = "ms", .digits = 2, .aim = Aim::RatioAtMost, .limit = 1.2};
  Row claim = {.name = "claim p99 while 16 sessions start", .unit = "ms", .digits = 1, .aim = Aim::RatioAtMost, .limit = 3};
  row_wait_for_quiet(&reuse);
  claim.busy = reuse.busy;
  // Runs a storm; the streams are asked as long as it lasts.
  auto in_storm = [&](std::vector<Stream>* streams) {
    const Texts clients = hall_clients(hall.get(), kTogether);
    Storm one = storm_begin(hall.get(), clients);
    paced_ask(streams, [&] { return storm_goes_on(&one); });
    storm_end(&one);
    hall_remove(hall.get(), clients);
  };
  auto reuse_at = [&](int port) { return Stream{.port = port, .path = [sitting] { return access_path(sitting); }, .connections = 8, .rate = kReuseRate}; };
  rounds_alternate(
      false,
      [&](int) {
        std::vector<Stream> streams = {reuse_at(bare.port)};
        std::atomic<bool> enough{false};
        const std::string bytes = file_text(daemon_state_path(pool));
        auto writes = std::async(std::launch::async, writes_beside, pool->folder, bytes, &enough);
        in_storm(&streams);
        enough = true;
        const std::vector<double> ms = writes.get();
        check_at(!ms.empty(), "a durable write failed");
        reuse.base.push_back(samples_quantile(streams[0].ms, 0.99));
        claim.base.push_back(samples_quantile(ms, 0.99));
      },
      [&](int) {
        auto newcomer = [&come] { return access_path(std::to_string(33344400000L + come++)); };
        std::vector<Stream> streams = {reuse_at(daemon_port(hall->daemon)),
                                       {.port = daemon_port(pool), .path = newcomer, .connections = 4, .rate = kClaimRate}};
        in_storm(&streams);
        check_at(come < kPool, "the pool did not last");
        reuse.ours.push_back(samples_quantile(streams[0].ms, 0.99));
        claim.ours.push_back(samples_quantile(streams[1].ms, 0.99));
      });
  row_done(reuse);
  row_done(claim);
}
