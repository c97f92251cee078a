// The engine behind a proxy that refuses, hangs, lies, cuts, drips and floods: who has a session keeps it, who asks is told why not, and
// soon after its return all is as before.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "support/daemon.h"
#include "support/engine_proxy.h"
#include "support/report.h"

namespace {

constexpr int kReadyTimeout = 4;
// Beyond READY_TIMEOUT_SECONDS: the daemon's own slack of ten seconds, and what this machine takes.
constexpr double kAnswerWithin = kReadyTimeout + 10 + 3;
constexpr double kBackWithin = 20;  // a bound against waiting for ever: the row tells what it took

// KiB, as the kernel counts: "VmRSS", or "VmHWM" for the most there ever was.
long memory_kib(const Daemon* d, const char* what) {
  std::string status = file_text("/proc/" + std::to_string(d->pid) + "/status");
  size_t at = status.find(std::string(what) + ":");
  return at == std::string::npos ? 0 : atol(status.c_str() + at + strlen(what) + 1);
}

// What sanitizers add is theirs.
long memory_allowed_kib() {
  const char* path = getenv("VNC_DAEMON");
  std::string program = path == nullptr ? "" : path;
  bool sanitized = program.find("/asan/") != std::string::npos || program.find("/tsan/") != std::string::npos;
  return (sanitized ? 1024 : 128) * 1024;
}

// Those that are not the answer to a request of ours.
size_t log_lines(const Daemon* d) {
  return daemon_log_count(d, "") - daemon_log_count(d, "[ACCESS]") - daemon_log_count(d, "[STATUS]");
}

struct Stage {
  Daemon* d = nullptr;
  EngineProxy* proxy = nullptr;
  std::string a, b, removed, by_size, by_size2;
  Entry of_a, of_b, of_removed;
  double slowest = 0;  // of /health, /status and reuse
  long memory_before = 0;
};

Stage set_stage(Scene* scene) {
  Stage stage;
  stage.d = scene->daemon;
  Daemon* d = stage.d;
  std::string path = scene->suite->folder + "/p";  // short: paths of sockets are
  stage.proxy = engine_proxy_make(scene, path, scene->suite->socket);
  daemon_set(d, "DOCKER_HOST", "unix://" + path);
  daemon_set(d, "READY_TIMEOUT_SECONDS", std::to_string(kReadyTimeout));
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set_ports(d, 10, 7);
  daemon_start(d);
  daemon_wait_pool(d, 1);
  stage.a = suite_client(*scene->suite, "sits");
  stage.b = suite_client(*scene->suite, "stays");
  stage.removed = suite_client(*scene->suite, "goes");
  stage.by_size = suite_client(*scene->suite, "comes");
  stage.by_size2 = suite_client(*scene->suite, "comes-later");
  stage.of_a = daemon_access(d, stage.a);
  stage.of_b = daemon_access(d, stage.b, "&width=800&height=600");
  stage.of_removed = daemon_access(d, stage.removed, "&width=640&height=480");
  daemon_wait_pool(d, 1);
  stage.memory_before = memory_kib(d, "VmRSS");
  return stage;
}

// Those who have what they need notice nothing.
void check_undisturbed(Stage* stage) {
  Daemon* d = stage->d;
  for (const std::string& path : {std::string("/health"), std::string("/status"), access_path(stage->a),
                                  access_path(stage->b, "&width=800&height=600")}) {
    HttpCall call = daemon_call(d, path);
    call.timeout_ms = 3000;
    HttpReply reply = http_call(call);
    stage->slowest = std::max(stage->slowest, reply.seconds);
    check_at(reply.status == 200 || reply.status == 302,
             path + ": " + std::to_string(reply.status) + " " + reply.error + reply.body);
  }
  std::vector<Entry> records = daemon_status(d).records;
  for (const Entry& entry : {stage->of_a, stage->of_b}) {
    const Entry* now = entry_find(records, entry.client);
    check_at(now != nullptr && now->id == entry.id && now->port == entry.port, entry.client + " was dropped or moved");
  }
}

std::string told(const char* who, const HttpReply& reply) {
  return std::string(who) + " " + std::to_string(reply.status) + " after " + report_seconds(reply.seconds);
}

std::string kept(const Stage& stage) {
  char text[80];
  snprintf(text, sizeof text, "all served within %.0f ms", stage.slowest * 1000);
  return text;
}

void check_refused(const HttpReply& reply, const std::string& who) {
  check_at(reply.status == 500 || reply.status == 503,
           who + ": " + std::to_string(reply.status) + " " + reply.error + reply.body);
  check_error(reply, reply.status);
  check_at(reply.seconds <= kAnswerWithin, who + " was told after " + report_seconds(reply.seconds));
}

// Served again, full again, nothing left over, and what happens to containers is heard of. Returns a text with what it took.
std::string check_all_is_well(Stage* stage) {
  Daemon* d = stage->d;
  double since = now_seconds();
  HttpReply reply;
  bool served = wait_until(kBackWithin, [&] {
    reply = daemon_get(d, access_path(stage->by_size2, "&width=700&height=500"));
    return reply.status == 302;
  });
  check_at(served, "nobody is served again: " + std::to_string(reply.status) + " " + reply.error + reply.body);
  double served_after = now_seconds() - since;
  daemon_check_302(d, reply, stage->by_size2);
  bool full = wait_until(kBackWithin, [&] { return daemon_status(d).pool == 1 && daemon_books_agree(d); });
  if (!full)
    for (const SeenContainer& seen : daemon_containers(d))
      fprintf(stderr, "%s %s\n", seen.name.c_str(), seen.state.c_str());
  check_at(full, "pool, records and containers do not come together");
  double well_after = now_seconds() - since;
  std::vector<Entry> records = daemon_status(d).records;
  check_equal(daemon_access(d, stage->b, "&width=800&height=600").id, stage->of_b.id, "container of b");
  check_equal(daemon_access(d, stage->a).id, stage->of_a.id, "container of a");
  check_at(engine_kill(d->socket, stage->of_a.id), "kill");
  check_at(wait_until(8, [&] { return entry_find(daemon_status(d).records, stage->a) == nullptr; }),
           "a death is not heard of");
  check_at(daemon_access(d, stage->a).id != stage->of_a.id, "a dead container");
  return "served again after " + report_seconds(served_after) + ", all well after " + report_seconds(well_after);
}

void run(Scene* scene, Wire calls, Wire events) {
  Stage stage = set_stage(scene);
  Daemon* d = stage.d;
  size_t lines = log_lines(d);
  engine_proxy_set(stage.proxy, calls, events);
  double began = now_seconds();
  std::future<HttpReply> comes = http_call_later(daemon_call(d, access_path(stage.by_size, "&width=1024&height=768")));
  usleep(300000);
  std::future<HttpReply> goes = http_call_later(daemon_call(d, "/remove?id=" + stage.removed));
  long memory = 0;
  auto waiting = [](std::future<HttpReply>* one) {
    return one->wait_for(std::chrono::seconds(0)) != std::future_status::ready;
  };
  double at_least = report_pick(3, 12);
  while (now_seconds() - began < at_least || waiting(&comes) || waiting(&goes)) {
    check_undisturbed(&stage);
    memory = std::max(memory, memory_kib(d, "VmRSS"));
    check_at(now_seconds() - began < at_least + kAnswerWithin + 5, "somebody waits for ever");
    usleep(50000);
  }
  HttpReply came = comes.get();
  HttpReply went = goes.get();
  bool calls_work = calls == Wire::Whole;
  if (!calls_work || came.status != 302) check_refused(came, "a newcomer");
  // Where only the end of the engine's answer was lost, it may be known to have removed it. Never where it has not.
  SeenContainer seen;
  if (went.status == 200)
    check_at(!engine_inspect(d->socket, stage.of_removed.id, &seen), "told to be removed, and is still there");
  else
    check_refused(went, "a removal");
  check_at(engine_proxy_spoilt(stage.proxy) > 0, "the proxy spoilt nothing");
  size_t said = log_lines(d) - lines;
  engine_proxy_set(stage.proxy, Wire::Whole, Wire::Whole);
  std::string well = check_all_is_well(&stage);
  long most = memory_kib(d, "VmHWM");
  check_at(most - stage.memory_before <= memory_allowed_kib(),
           "memory: " + std::to_string(stage.memory_before) + " KiB before, " + std::to_string(most) + " at the most");
  std::string what = std::string("socket ") + (calls == events ? wire_name(calls)
                                               : calls_work    ? std::string("whole, event stream ") + wire_name(events)
                                                            : wire_name(calls) + std::string(", event stream whole"));
  report_fault({what, told("newcomer", came) + ", " + told("removal", went), kept(stage), well,
              "for " + report_seconds(now_seconds() - began) + ", " + std::to_string(engine_proxy_spoilt(stage.proxy)) +
                  " spoilt; memory " + std::to_string(stage.memory_before / 1024) + " MiB before, " +
                  std::to_string(most / 1024) + " at most; " + std::to_string(said) + " log lines"});
}

struct Spoilt {
  Place place;
  Wire wire;
};

// One kind of call spoilt in one way, then the next, on one daemon. Each time somebody comes, somebody goes and somebody takes
// from the pool; where listings are meant the stream breaks first, so that one is needed.
void run_places(Scene* scene, const std::vector<Spoilt>& spoils) {
  Stage stage = set_stage(scene);
  Daemon* d = stage.d;
  int turn = 0;
  for (auto [place, wire] : spoils) {
    std::string number = std::to_string(++turn);
    std::string what = std::string(place_name(place)) + " " + wire_name(wire);
    std::string goer = suite_client(*scene->suite, "goer" + number);
    stage.by_size2 = suite_client(*scene->suite, "comes-later" + number);
    stage.slowest = 0;
    daemon_access(d, goer, "&width=640&height=480");
    daemon_wait_pool(d, 1);
    stage.of_a = daemon_access(d, stage.a);
    daemon_wait_pool(d, 1);
    int spoilt = engine_proxy_spoilt(stage.proxy);
    if (place == Place::List) {
      engine_proxy_set(stage.proxy, Wire::Whole, Wire::Refuse);
      usleep(300000);
    }
    engine_proxy_set_place(stage.proxy, place, wire);
    double began = now_seconds();
    std::vector<std::future<HttpReply>> asked;
    std::string comer = suite_client(*scene->suite, "comer" + number);
    std::string claimer = suite_client(*scene->suite, "claimer" + number);
    asked.push_back(http_call_later(daemon_call(d, access_path(comer, "&width=1024&height=768"))));
    asked.push_back(http_call_later(daemon_call(d, "/remove?id=" + goer)));
    asked.push_back(http_call_later(daemon_call(d, access_path(claimer))));
    auto waiting = [](const std::future<HttpReply>& one) {
      return one.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
    };
    while (now_seconds() - began < 3 || std::any_of(asked.begin(), asked.end(), waiting)) {
      check_undisturbed(&stage);
      check_at(now_seconds() - began < kAnswerWithin + 5, what + ": somebody waits for ever");
      usleep(50000);
    }
    std::string answers;
    const char* const who[] = {"newcomer", "removal", "claim"};
    for (size_t i = 0; i < asked.size(); ++i) {
      HttpReply reply = asked[i].get();
      if (reply.status != (i == 1 ? 200 : 302)) check_refused(reply, what + ": the " + who[i]);
      answers += (i == 0 ? "" : ", ") + told(who[i], reply);
    }
    check_at(engine_proxy_spoilt(stage.proxy) > spoilt, what + ": the proxy spoilt nothing");
    spoilt = engine_proxy_spoilt(stage.proxy) - spoilt;
    engine_proxy_set(stage.proxy, Wire::Whole, Wire::Whole);
    std::string well = check_all_is_well(&stage);
    bool named = wait_until(kBackWithin, [&] {
      const std::vector<Entry> records = daemon_status(d).records;
      return std::all_of(records.begin(), records.end(), [](const Entry& entry) {
        return entry.client == "__pool__" || entry.name == "vnc_" + entry.client;
      });
    });
    check_at(named, what + ": somebody's container is never given its name");
    report_fault({what, answers, kept(stage), well, std::to_string(spoilt) + " spoilt"});
    for (const std::string& client : {comer, claimer, goer, stage.by_size2}) daemon_get(d, "/remove?id=" + client);
  }
}

void only(Scene* scene, Place place) {
  std::vector<Spoilt> spoils;
  for (Wire wire : {Wire::Refuse, Wire::Hang, Wire::Status500, Wire::Nonsense, Wire::OtherType, Wire::CutBody,
                    Wire::CutChunk, Wire::Drip, Wire::Flood})
    spoils.push_back({place, wire});
  run_places(scene, spoils);
}
void creations_alone(Scene* scene) { only(scene, Place::Create); }
void starts_alone(Scene* scene) { only(scene, Place::Start); }
void inspections_alone(Scene* scene) { only(scene, Place::Inspect); }
void listings_alone(Scene* scene) { only(scene, Place::List); }
void removals_alone(Scene* scene) { only(scene, Place::Remove); }
void renamings_alone(Scene* scene) { only(scene, Place::Rename); }

// Every way it can fail, for calls and event stream together, and for each of them alone.
#define WIRE_TESTS(name, wire)                                       \
  void everything_##name(Scene* scene) { run(scene, wire, wire); }   \
  void calls_##name(Scene* scene) { run(scene, wire, Wire::Whole); } \
  void events_##name(Scene* scene) { run(scene, Wire::Whole, wire); }
WIRE_TESTS(refused, Wire::Refuse)
WIRE_TESTS(hanging, Wire::Hang)
WIRE_TESTS(status_500, Wire::Status500)
WIRE_TESTS(nonsense, Wire::Nonsense)
WIRE_TESTS(another_content_type, Wire::OtherType)
WIRE_TESTS(cut_in_a_body, Wire::CutBody)
WIRE_TESTS(cut_in_a_chunk, Wire::CutChunk)
WIRE_TESTS(one_byte_a_second, Wire::Drip)
WIRE_TESTS(a_hundred_megabytes, Wire::Flood)
#undef WIRE_TESTS

void one_kind_of_call_after_the_other(Scene* scene) {
  run_places(scene, {{Place::Create, Wire::CutBody},
                     {Place::Start, Wire::Status500},
                     {Place::List, Wire::Nonsense},
                     {Place::Remove, Wire::CutChunk},
                     {Place::Rename, Wire::Refuse}});
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> briefly = {
      E2E_TEST(everything_hanging),
      E2E_TEST(everything_another_content_type),
      E2E_TEST(everything_a_hundred_megabytes),
      E2E_TEST(calls_cut_in_a_chunk),
      E2E_TEST(events_cut_in_a_body),
      E2E_TEST(one_kind_of_call_after_the_other),
  };
  const std::vector<CMUnitTest> at_length = {
      E2E_TEST(everything_refused),
      E2E_TEST(everything_hanging),
      E2E_TEST(everything_status_500),
      E2E_TEST(everything_nonsense),
      E2E_TEST(everything_another_content_type),
      E2E_TEST(everything_cut_in_a_body),
      E2E_TEST(everything_cut_in_a_chunk),
      E2E_TEST(everything_one_byte_a_second),
      E2E_TEST(everything_a_hundred_megabytes),
      E2E_TEST(calls_refused),
      E2E_TEST(calls_hanging),
      E2E_TEST(calls_status_500),
      E2E_TEST(calls_nonsense),
      E2E_TEST(calls_another_content_type),
      E2E_TEST(calls_cut_in_a_body),
      E2E_TEST(calls_cut_in_a_chunk),
      E2E_TEST(calls_one_byte_a_second),
      E2E_TEST(calls_a_hundred_megabytes),
      E2E_TEST(events_refused),
      E2E_TEST(events_hanging),
      E2E_TEST(events_status_500),
      E2E_TEST(events_nonsense),
      E2E_TEST(events_another_content_type),
      E2E_TEST(events_cut_in_a_body),
      E2E_TEST(events_cut_in_a_chunk),
      E2E_TEST(events_one_byte_a_second),
      E2E_TEST(events_a_hundred_megabytes),
      E2E_TEST(creations_alone),
      E2E_TEST(starts_alone),
      E2E_TEST(inspections_alone),
      E2E_TEST(listings_alone),
      E2E_TEST(removals_alone),
      E2E_TEST(renamings_alone),
  };
  return suite_main("proxy", report_at_length() ? at_length : briefly);
}
