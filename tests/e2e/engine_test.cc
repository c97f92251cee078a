// The engine is not there, goes away, is killed, freezes and comes back, while clients ask.
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "support/daemon.h"
#include "support/private_engine.h"

namespace {

// An access that cannot be served now: 503, and when to try again. The answer may take as long as a client has to wait.
void check_try_again(Daemon* d, const std::string& client, const At& at = At::current()) {
  HttpReply reply = daemon_get(d, access_path(client));
  check_error(reply, 503, at);
  check_at(atoi(http_reply_header(reply, "retry-after").c_str()) > 0, "no Retry-After", at);
  check_at(reply.seconds < 15, "the answer took " + std::to_string(reply.seconds) + " s", at);
}

// Within half a minute of the engine's return; and as good as any answer then.
Entry served_again(Daemon* d, const std::string& client, const At& at = At::current()) {
  bool served = wait_until(30, [&] { return daemon_get(d, access_path(client)).status == 302; });
  check_at(served, "nobody is served again", at);
  return daemon_access(d, client, "", at);
}

PrivateEngine* with_engine(Scene* scene) {
  PrivateEngine* engine = private_engine_make(scene);
  daemon_use_engine(scene->daemon, engine);
  return engine;
}

void without_an_engine_it_runs_and_serves_once_there_is_one(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  std::string client = suite_client(*scene->suite, "early");
  daemon_start(d);
  std::future<HttpReply> waiting = http_call_later(daemon_call(d, access_path(client)));
  check_number(daemon_get(d, "/health").status, 200, "/health");
  check_number(daemon_status(d).active, 0, "records");
  HttpReply reply = waiting.get();
  check_error(reply, 503);
  check_at(reply.seconds < 15,
           "before the first listing an access waits 10 s at most: " + std::to_string(reply.seconds));
  check_at(atoi(http_reply_header(reply, "retry-after").c_str()) > 0, "no Retry-After");
  check_at(daemon_logs_loudly(d, {engine->socket}), "it does not say so");
  private_engine_start(engine);
  served_again(d, client);
  daemon_stop(d);
  daemon_check_books(d);
}

void an_engine_stopped_in_order_takes_its_sessions_along(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  private_engine_start(engine);
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string client = suite_client(*scene->suite, "ended");
  Entry entry = daemon_access(d, client);
  private_engine_stop(engine);
  check_at(wait_until(10, [&] { return entry_find(daemon_status(d).records, client) == nullptr; }),
           "the session is not dropped");
  check_at(daemon_logs(d, {client, entry.id.substr(0, 12), std::to_string(entry.port)}), "not a word in the log");
  check_number(daemon_get(d, "/health").status, 200, "/health");
  check_try_again(d, client);
  private_engine_start(engine);
  check_at(served_again(d, client).id != entry.id, "a session that had ended");
  daemon_wait_pool(d, 1);
  check_at(wait_until(20, [&] { return daemon_containers(d).size() == 2; }), "containers that had ended stay");
}

// Unknown is not dead: until the engine says otherwise, everybody keeps what they have.
void an_engine_killed_costs_nobody_a_record_before_the_truth_is_known(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  private_engine_start(engine);
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "unknown");
  std::string other = suite_client(*scene->suite, "newcomer");
  Entry entry = daemon_access(d, client);
  private_engine_kill9(engine);
  usleep(2000000);
  HttpReply reuse = daemon_get(d, access_path(client));
  check_number(reuse.status, 302, "reuse without an engine");
  check_equal(entry_of(daemon_status(d).records, client).id, entry.id, "container");
  check_try_again(d, other);
  private_engine_start(engine);  // it ends what its killed predecessor left running
  check_at(served_again(d, other).id != entry.id, "two clients, one container");
  Entry now = daemon_access(d, client);
  SeenContainer seen;
  check_at(engine_inspect(d->socket, now.id, &seen) && seen.state == "running", "a dead container");
  check_at(wait_until(20, [&] { return daemon_containers(d).size() == 2; }), "containers that had ended stay");
}

void sessions_that_outlive_their_engine_are_kept(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  engine->extra = {"--live-restore"};
  private_engine_start(engine);
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string client = suite_client(*scene->suite, "outlives");
  Entry entry = daemon_access(d, client);
  daemon_wait_pool(d, 1);
  private_engine_stop(engine);
  check_number(daemon_get(d, access_path(client)).status, 302, "reuse without an engine");
  private_engine_start(engine);
  usleep(3000000);  // connected and listed again
  check_equal(daemon_access(d, client).id, entry.id, "container");

  // Now the daemon, too, goes away, and comes back before the engine does: this process has seen nobody running.
  daemon_stop(d);
  private_engine_stop(engine);
  daemon_start(d);
  std::future<HttpReply> waiting = http_call_later(daemon_call(d, access_path(client)));
  bool hasty = waiting.wait_for(std::chrono::seconds(1)) == std::future_status::ready;
  check_at(!hasty, "an answer about a session that nobody has looked at");
  private_engine_start(engine);
  waiting.wait();
  check_equal(served_again(d, client).id, entry.id, "container");
}

void a_frozen_engine_stops_neither_health_nor_reuse(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  private_engine_start(engine);
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "sitting");
  std::string other = suite_client(*scene->suite, "waiting");
  Entry entry = daemon_access(d, client);
  private_engine_freeze(engine);
  std::future<HttpReply> waiting = http_call_later(daemon_call(d, access_path(other)));
  for (int i = 0; i < 20; ++i) {
    for (const std::string& path : {std::string("/health"), std::string("/status"), access_path(client)}) {
      HttpCall call = daemon_call(d, path);
      call.timeout_ms = 3000;
      HttpReply reply = http_call(call);
      check_at(reply.status == 200 || reply.status == 302, path + ": " + std::to_string(reply.status) + reply.error);
    }
    usleep(200000);
  }
  private_engine_thaw(engine);
  HttpReply late = waiting.get();
  check_at(late.status == 302 || late.status == 503, "status " + std::to_string(late.status) + late.body);
  check_at(served_again(d, other).id != entry.id, "two clients, one container");
  check_equal(daemon_access(d, client).id, entry.id, "container");
}

void a_frozen_engine_does_not_keep_the_daemon_from_stopping(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  private_engine_start(engine);
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "kept");
  Entry entry = daemon_access(d, client);
  private_engine_freeze(engine);
  std::future<HttpReply> waiting = http_call_later(daemon_call(d, access_path(suite_client(*scene->suite, "told"))));
  usleep(500000);
  daemon_stop(d);
  check_error(waiting.get(), 503);
  private_engine_thaw(engine);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_equal(daemon_access(d, client).id, entry.id, "container");
  auto agreed = [&] { return daemon_containers(d).size() == daemon_status(d).records.size(); };
  check_at(wait_until(20, agreed), "what the engine finished after all stays behind");
}

void an_engine_over_tcp_serves_too(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  std::string address = "tcp://127.0.0.1:" + std::to_string(scene->suite->first_port + 2);
  engine->extra = {"--host=" + address, "--tls=false"};
  private_engine_start(engine);
  daemon_set(d, "DOCKER_HOST", address);
  daemon_start(d);
  Entry entry = daemon_access(d, suite_client(*scene->suite, "tcp"));
  // That may be another machine, which has no file of this one to mount.
  SeenContainer seen;
  check_at(engine_inspect(d->socket, entry.id, &seen), "no container " + entry.id);
  check_at(seen.mounts.empty(), "something of this machine is mounted");
}

// The document's own example, with its file, on an engine where nothing else has those names.
void the_documents_example_is_taken_over_word_for_word(Scene* scene) {
  Daemon* d = scene->daemon;
  PrivateEngine* engine = with_engine(scene);
  private_engine_start(engine);
  check_at(engine_make_network(engine->socket, scene->suite->network, scene->suite->subnet), "docker network create");
  int port = daemon_first_slot(d);
  ForeignSpec spec;
  spec.name = "vnc_06798162320";
  spec.image = kTinyImage;
  spec.network = scene->suite->network;
  spec.host_port = port;
  spec.env = {{"WIDTH", "1024"}, {"HEIGHT", "768"}};
  std::string error;
  std::string id = engine_create(engine->socket, spec, &error);
  check_at(!id.empty(), error);
  file_write(daemon_state_path(d),
             "[\n  {\n    \"client_id\": \"06798162320\",\n    \"container_id\": \"" + id +
                 "\",\n    \"container_name\": \"vnc_06798162320\",\n    \"port\": " + std::to_string(port) +
                 ",\n    \"width\": \"1024\",\n    \"height\": \"768\",\n"
                 "    \"created_at\": \"2026-02-08T14:30:00.000000\",\n"
                 "    \"last_accessed_at\": \"2099-02-08T16:45:00.000000\"\n  }\n]\n");
  daemon_set(d, "IDLE_TIMEOUT_HOURS", "1");
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "0.01");
  daemon_start(d);
  daemon_wait_reconciled(d);
  usleep(1500000);  // a time in the future counts as now: no cleanup takes it
  check_equal(daemon_access(d, "06798162320", "&width=1024&height=768").id, id, "container");
  HttpReply dotted = daemon_get(d, access_path("067.981.623-20", "&width=1024&height=768"));
  check_equal(daemon_check_302(d, dotted, "06798162320").id, id, "container");
}

// A dockerd with --bridge=none deletes docker0, whoever's it is: ours must not.
void the_machines_own_engine_is_left_in_peace(Scene* scene) {
  ForeignSpec spec;
  spec.name = "vnc-e2e-" + std::to_string(scene->suite->block) + "-peace";
  spec.image = kTinyImage;
  spec.network = "bridge";
  spec.labels = {{kForeignLabel, scene->suite->network}};
  std::string error;
  check_at(!engine_create(scene->suite->socket, spec, &error).empty(), error);
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(without_an_engine_it_runs_and_serves_once_there_is_one),
      E2E_TEST(an_engine_stopped_in_order_takes_its_sessions_along),
      E2E_TEST(an_engine_killed_costs_nobody_a_record_before_the_truth_is_known),
      E2E_TEST(sessions_that_outlive_their_engine_are_kept),
      E2E_TEST(a_frozen_engine_stops_neither_health_nor_reuse),
      E2E_TEST(a_frozen_engine_does_not_keep_the_daemon_from_stopping),
      E2E_TEST(an_engine_over_tcp_serves_too),
      E2E_TEST(the_documents_example_is_taken_over_word_for_word),
      E2E_TEST(the_machines_own_engine_is_left_in_peace),
  };
  return suite_main("engine", tests);
}
