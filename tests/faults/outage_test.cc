// The engine is stopped, killed, frozen and started anew, for half a minute or for no longer than that takes: who keeps what, what
// those who ask meanwhile are told, and how soon all is well after its return.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <thread>

#include "support/daemon.h"
#include "support/private_engine.h"
#include "support/report.h"

namespace {

enum class Away { Stopped, Killed, Frozen };

struct Outage {
  const char* name;
  Away how;
  bool live_restore;  // containers outlive their engine
  double seconds;     // between its end and its next start
};

constexpr int kReadyTimeout = 5;
// Beyond READY_TIMEOUT_SECONDS: the daemon's own slack of ten seconds, and what a busy machine takes.
constexpr double kAnswerWithin = kReadyTimeout + 10 + 5;
constexpr double kBackWithin = 60;  // a bound against waiting for ever: the row tells what it took

const char* const kSizeOfB = "&width=800&height=600";
const char* const kSizeOfNewcomers = "&width=640&height=480";

struct Stage {
  Daemon* d = nullptr;
  PrivateEngine* engine = nullptr;
  std::string a, b;  // one from the pool, one with a size of its own
  Entry of_a, of_b;
  std::string newcomer;  // the beginning of their names
  int newcomers = 0;
};

Stage set_stage(Scene* scene, const Outage& outage) {
  Stage stage;
  stage.d = scene->daemon;
  Daemon* d = stage.d;
  stage.engine = private_engine_make(scene);
  if (outage.live_restore) stage.engine->extra = {"--live-restore"};
  private_engine_start(stage.engine);
  daemon_use_engine(d, stage.engine);
  daemon_set(d, "READY_TIMEOUT_SECONDS", std::to_string(kReadyTimeout));
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set_ports(d, 10, 7);
  daemon_start(d);
  daemon_wait_pool(d, 1);
  stage.a = suite_client(*scene->suite, "sits");
  stage.b = suite_client(*scene->suite, "stays");
  stage.newcomer = suite_client(*scene->suite, "comes");
  stage.of_a = daemon_access(d, stage.a);
  stage.of_b = daemon_access(d, stage.b, kSizeOfB);
  daemon_wait_pool(d, 1);
  return stage;
}

// Those who have what they need, on a thread of their own: also while this one waits for the engine.
struct Sitting {
  std::thread thread;
  std::atomic<bool> stop = false;
  std::atomic<bool> reuse = true;  // the sessions are there
  Texts wrong;                     // this and what follows: to be read after the end
  int asked = 0;
  double slowest = 0;
};

void ask(Sitting* sitting, Daemon* d, const std::string& path, long want, const std::string& port) {
  HttpCall call = daemon_call(d, path);
  call.timeout_ms = 5000;  // an answer that waits for the engine is none
  HttpReply reply = http_call(call);
  std::string link = http_reply_header(reply, "location");
  if (want == 302 && !sitting->reuse) return;  // its end may have come meanwhile
  ++sitting->asked;
  sitting->slowest = std::max(sitting->slowest, reply.seconds);
  if (reply.status != want || link.substr(link.rfind(':') + 1) != port)
    sitting->wrong.push_back(path + ": " + std::to_string(reply.status) + " " + link + reply.error + reply.body);
}

std::shared_ptr<Sitting> sit(Scene* scene, const Stage& stage) {
  auto sitting = std::make_shared<Sitting>();
  auto body = [sitting, d = stage.d, of_a = stage.of_a, of_b = stage.of_b] {
    while (!sitting->stop) {
      for (const char* path : {"/health", "/status"}) ask(sitting.get(), d, path, 200, "");
      if (sitting->reuse) ask(sitting.get(), d, access_path(of_a.client), 302, std::to_string(of_a.port));
      if (sitting->reuse) ask(sitting.get(), d, access_path(of_b.client, kSizeOfB), 302, std::to_string(of_b.port));
      usleep(50000);
    }
  };
  sitting->thread = std::thread(body);
  scene->cleanups.push_back([sitting] {
    sitting->stop = true;
    if (sitting->thread.joinable()) sitting->thread.join();
  });
  return sitting;
}

void rise(Sitting* sitting) {
  sitting->stop = true;
  sitting->thread.join();
  for (const std::string& text : sitting->wrong) fprintf(stderr, "%s\n", text.c_str());
  check_at(sitting->wrong.empty(), "who has what they need was disturbed");
}

// Each death was told by the engine before it went: nobody is sent to what has ended. Returns how long it took to be believed.
std::string check_dropped(Stage* stage, double since) {
  bool believed = wait_until(20, [&] { return daemon_status(stage->d).records.empty(); });
  check_at(believed, "a session whose death was told is still there");
  std::string after = report_seconds(now_seconds() - since);
  for (const Entry& entry : {stage->of_a, stage->of_b})
    check_at(daemon_logs(stage->d, {entry.client, entry.id.substr(0, 12)}), "not a word in the log of " + entry.client);
  return after;
}

struct Told {
  std::map<long, int> answers;
  double slowest = 0;
};

std::string told_text(const Told& told) {
  std::string text = "newcomers ";
  for (const auto& [status, count] : told.answers)
    text += std::to_string(count) + " x " + std::to_string(status) + ", ";
  return text + "within " + report_seconds(told.slowest);
}

// The last of them may be served, once the engine is back.
void note_answer(Told* told, const HttpReply& reply, bool may_be_served) {
  if (reply.status != 302 || !may_be_served) {
    check_at(reply.status == 500 || reply.status == 503,
             "a newcomer: " + std::to_string(reply.status) + " " + reply.error + reply.body);
    check_error(reply, reply.status);
  }
  check_at(reply.seconds <= kAnswerWithin, "a newcomer was told after " + report_seconds(reply.seconds));
  ++told->answers[reply.status];
  told->slowest = std::max(told->slowest, reply.seconds);
}

std::future<HttpReply> send_newcomer(Stage* stage) {
  return http_call_later(
      daemon_call(stage->d, access_path(stage->newcomer + std::to_string(++stage->newcomers), kSizeOfNewcomers)));
}

void go_away(const Stage& stage, const Outage& outage) {
  switch (outage.how) {
    case Away::Stopped: private_engine_stop(stage.engine); break;
    case Away::Killed: private_engine_kill9(stage.engine); break;
    case Away::Frozen: private_engine_freeze(stage.engine); break;
  }
}

void come_back(const Stage& stage, const Outage& outage) {
  if (outage.how == Away::Frozen)
    private_engine_thaw(stage.engine);
  else
    private_engine_start(stage.engine);
}

// A newcomer is served, the pool is full, nothing is left over, and what happens to containers is heard of.
std::string check_all_is_well(Stage* stage, double since) {
  Daemon* d = stage->d;
  std::string last = stage->newcomer + "-last";
  bool served =
      wait_until(kBackWithin, [&] { return daemon_get(d, access_path(last, kSizeOfNewcomers)).status == 302; });
  check_at(served, "nobody is served again");
  std::string served_after = report_seconds(now_seconds() - since);
  bool well = wait_until(kBackWithin, [&] { return daemon_status(d).pool == 1 && daemon_books_agree(d); });
  if (!well)
    for (const SeenContainer& seen : daemon_containers(d))
      fprintf(stderr, "%s %s\n", seen.name.c_str(), seen.state.c_str());
  check_at(well, "pool, records and containers do not come together");
  std::string well_after = report_seconds(now_seconds() - since);
  std::string id = daemon_access(d, last, kSizeOfNewcomers).id;
  check_at(engine_kill(d->socket, id), "docker kill");
  check_at(wait_until(20, [&] { return entry_find(daemon_status(d).records, last) == nullptr; }),
           "a death is not heard of");
  return "served again after " + served_after + ", all well after " + well_after;
}

void run(Scene* scene, const Outage& outage) {
  Stage stage = set_stage(scene, outage);
  Daemon* d = stage.d;
  bool told_deaths = outage.how == Away::Stopped && !outage.live_restore;
  bool ends_all = outage.how != Away::Frozen && !outage.live_restore;
  std::shared_ptr<Sitting> sitting = sit(scene, stage);
  if (told_deaths) sitting->reuse = false;
  double began = now_seconds();
  go_away(stage, outage);
  double gone = now_seconds();
  std::string more = "away for " + report_seconds(outage.seconds);
  if (told_deaths) more += ", all deaths believed " + check_dropped(&stage, gone) + " after its end";
  Told told;
  std::future<HttpReply> newcomer = send_newcomer(&stage);
  while (now_seconds() - gone < outage.seconds) {
    if (newcomer.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      note_answer(&told, newcomer.get(), false);
      newcomer = send_newcomer(&stage);
    }
    check_number(static_cast<long>(daemon_status(d).records.size()), told_deaths ? 0 : 3, "records");
    usleep(500000);
  }
  if (ends_all) sitting->reuse = false;
  come_back(stage, outage);
  double back = now_seconds();
  note_answer(&told, newcomer.get(), true);
  std::string well = check_all_is_well(&stage, back);
  rise(sitting.get());
  Entry a = daemon_access(d, stage.a);
  Entry b = daemon_access(d, stage.b, kSizeOfB);
  if (ends_all) {
    check_at(a.id != stage.of_a.id && b.id != stage.of_b.id, "a session that had ended");
  } else {
    check_equal(a.id, stage.of_a.id, "container of a");
    check_equal(b.id, stage.of_b.id, "container of b");
  }
  char kept[120];
  snprintf(kept, sizeof kept, "%s: %d times, within %.0f ms",
           told_deaths ? "/health and /status"
           : ends_all  ? "all, until the truth was known"
                       : "all, in the same containers",
           sitting->asked, sitting->slowest * 1000);
  report_fault(
      {outage.name, told_text(told), kept, well, more + ", down and up again in " + report_seconds(back - began)});
}

void stopped_for_half_a_minute_with_live_restore_nobody_is_dropped(Scene* scene) {
  run(scene, {"engine stopped, with live-restore", Away::Stopped, true, 30});
}
void stopped_for_half_a_minute_each_death_is_believed(Scene* scene) {
  run(scene, {"engine stopped, its containers with it", Away::Stopped, false, 30});
}
void restarted_with_live_restore_nobody_is_dropped(Scene* scene) {
  run(scene, {"engine restarted, with live-restore", Away::Stopped, true, 0});
}
void restarted_each_death_is_believed(Scene* scene) {
  run(scene, {"engine restarted, its containers with it", Away::Stopped, false, 0});
}
void frozen_for_half_a_minute_nobody_is_dropped(Scene* scene) {
  run(scene, {"engine frozen (SIGSTOP)", Away::Frozen, false, 30});
}
void killed_for_half_a_minute_with_live_restore_nobody_is_dropped(Scene* scene) {
  run(scene, {"engine killed with -9, with live-restore", Away::Killed, true, 30});
}
void killed_for_half_a_minute_nobody_is_dropped_before_the_truth_is_known(Scene* scene) {
  run(scene, {"engine killed with -9, which ends what ran when it comes back", Away::Killed, false, 30});
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(stopped_for_half_a_minute_with_live_restore_nobody_is_dropped),
      E2E_TEST(stopped_for_half_a_minute_each_death_is_believed),
      E2E_TEST(restarted_with_live_restore_nobody_is_dropped),
      E2E_TEST(restarted_each_death_is_believed),
      E2E_TEST(frozen_for_half_a_minute_nobody_is_dropped),
      E2E_TEST(killed_for_half_a_minute_with_live_restore_nobody_is_dropped),
      E2E_TEST(killed_for_half_a_minute_nobody_is_dropped_before_the_truth_is_known),
  };
  return suite_main("outage", tests);
}
