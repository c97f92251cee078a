// A small disk for state and log that has no blocks or no inodes left: while the daemon works, when it is killed, and when it starts.
#include <unistd.h>

#include <algorithm>

#include "support/daemon.h"
#include "support/report.h"
#include "support/small_disk.h"

namespace {

struct Stage {
  Daemon* d = nullptr;
  std::string disk;
  std::string sits;
  Entry of_sits;
  std::string refused;  // the beginning of the names of those who come in vain
  int newcomers = 0;
  double slowest = 0, slowest_refusal = 0;
};

// Who has a session, /health and /status notice nothing; who comes is refused with the reason.
void check_full(Stage* stage, const At& at = At::current()) {
  Daemon* d = stage->d;
  for (int i = 0; i < report_pick(3, 30); ++i) {
    for (const std::string& path : {std::string("/health"), std::string("/status"), access_path(stage->sits)}) {
      HttpReply reply = daemon_get(d, path);
      stage->slowest = std::max(stage->slowest, reply.seconds);
      check_at(reply.status == 200 || reply.status == 302, path + ": " + std::to_string(reply.status) + reply.body, at);
    }
    // One claims from the pool, the other one would need a container of its own.
    std::string newcomer = stage->refused + std::to_string(++stage->newcomers);
    HttpReply reply = daemon_get(d, access_path(newcomer, i % 2 == 0 ? "" : "&width=800&height=600"));
    std::string text = check_error(reply, 503, at);
    check_at(text.find("state file") != std::string::npos && text.find("No space left") != std::string::npos,
             "no reason: " + text, at);
    check_at(atoi(http_reply_header(reply, "retry-after").c_str()) > 0, "no Retry-After", at);
    stage->slowest_refusal = std::max(stage->slowest_refusal, reply.seconds);
  }
  check_equal(entry_of(daemon_status(d).records, stage->sits, at).id, stage->of_sits.id, "container", at);
}

// A lock that was never there is the one thing that a start cannot do without.
void without_room_for_its_lock(Stage* stage, DiskLacks lacks) {
  Daemon* d = stage->d;
  std::string lock = daemon_state_path(d) + ".lock";
  daemon_stop(d);
  check_number(unlink(lock.c_str()), 0, "the lock");
  small_disk_fill(stage->disk, lacks);
  Outcome outcome = daemon_run(d, {});
  check_at(outcome.status > 0 && outcome.status < 128, "exit status " + std::to_string(outcome.status));
  check_at(outcome.err.find(lock + ": No space left") != std::string::npos, "no reason: " + outcome.err);
  unlink((stage->disk + "/filler0").c_str());
  daemon_start(d);
  check_full(stage);
}

void run(Scene* scene, DiskLacks lacks) {
  Stage stage;
  Daemon* d = stage.d = scene->daemon;
  stage.disk = d->folder + "/disk";
  small_disk_mount(scene, stage.disk, lacks);
  daemon_set(d, "STATE_FILE", "disk/state.json");
  daemon_set(d, "LOG_DIR", "disk/logs");
  daemon_set(d, "LOG_LEVEL", "INFO");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  stage.sits = suite_client(*scene->suite, "disk-sits");
  stage.refused = suite_client(*scene->suite, "disk-comes");
  stage.of_sits = daemon_access(d, stage.sits);
  daemon_wait_pool(d, 1);
  check_at(wait_until(10, [&] { return daemon_books_agree(d); }), "no rest");  // the rename is written down, too

  small_disk_fill(stage.disk, lacks);
  check_full(&stage);
  if (lacks == DiskLacks::Inodes) without_room_for_its_lock(&stage, lacks);
  int kills = report_pick(1, 5);
  // Killed while nothing can be written, and started again with no log and no room for one.
  for (int i = 0; i < kills; ++i) {
    daemon_kill9(d);
    unlink(daemon_log_path(d).c_str());
    small_disk_fill(stage.disk, lacks);
    daemon_start(d);
    check_full(&stage);
  }

  double since = now_seconds();
  small_disk_make_room(stage.disk);
  std::string served = suite_client(*scene->suite, "disk-served");
  check_at(wait_until(30, [&] { return daemon_get(d, access_path(served)).status == 302; }),
           "there is room again and nobody sees it");
  std::string served_after = report_seconds(now_seconds() - since);
  daemon_access(d, served);
  check_at(wait_until(60, [&] { return daemon_status(d).pool == 1 && daemon_books_agree(d); }),
           "containers, records and state file do not come together");
  std::string well_after = report_seconds(now_seconds() - since);
  check_equal(daemon_access(d, stage.sits).id, stage.of_sits.id, "container");
  check_at(daemon_logs(d, {"log lines were lost", "No space left"}), "not a word of what the log lost");
  char told[80];
  snprintf(told, sizeof told, "newcomers %d x 503 with the reason, within %.0f ms", stage.newcomers,
           stage.slowest_refusal * 1000);
  char kept[80];
  snprintf(kept, sizeof kept, "all, in the same container, within %.0f ms", stage.slowest * 1000);
  report_fault(
      {std::string("no ") + (lacks == DiskLacks::Blocks ? "blocks" : "inodes") + " left on the disk of state and log",
       told, kept, "served again after " + served_after + ", all well after " + well_after,
       std::to_string(kills) + " x killed with -9 and started again on it"});
}

void a_full_disk_stops_new_sessions_only_and_only_for_as_long(Scene* scene) { run(scene, DiskLacks::Blocks); }
void a_disk_without_inodes_stops_no_start_and_no_session(Scene* scene) { run(scene, DiskLacks::Inodes); }

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(a_full_disk_stops_new_sessions_only_and_only_for_as_long),
      E2E_TEST(a_disk_without_inodes_stops_no_start_and_no_session),
  };
  return suite_main("disk", tests);
}
