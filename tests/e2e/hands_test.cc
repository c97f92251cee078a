// What an operator's or a stranger's hands do to containers, network, image and ports in the middle of work: what the user is answered,
// what the log says, and how soon all is well.
#include <unistd.h>

#include <algorithm>

#include "support/daemon.h"
#include "support/report.h"

namespace {

const char* const kSize = "&width=800&height=600";

struct Stage {
  Daemon* d = nullptr;
  std::string hit, spared;  // two clients: what is done is done to the first
  Entry of_hit, of_spared;
  double slowest = 0;  // of the spared one's accesses since
};

Stage set_stage(Scene* scene, int pool) {
  Stage stage;
  stage.d = scene->daemon;
  daemon_set(stage.d, "WARM_POOL_SIZE", std::to_string(pool));
  daemon_start(stage.d);
  daemon_wait_pool(stage.d, pool);
  stage.hit = suite_client(*scene->suite, "hit");
  stage.spared = suite_client(*scene->suite, "spared");
  stage.of_hit = daemon_access(stage.d, stage.hit, kSize);
  stage.of_spared = daemon_access(stage.d, stage.spared, kSize);
  daemon_wait_pool(stage.d, pool);
  return stage;
}

void check_spared(Stage* stage, const At& at = At::current()) {
  HttpReply reply = daemon_get(stage->d, access_path(stage->spared, kSize));
  stage->slowest = std::max(stage->slowest, reply.seconds);
  check_number(reply.status, 302, "the other one's access", at);
  check_equal(entry_of(daemon_status(stage->d).records, stage->spared, at).id, stage->of_spared.id,
              "the other one's container", at);
}

std::string wait_rest(Daemon* d, int pool, double since, const At& at = At::current()) {
  check_at(wait_until(30, [&] { return daemon_status(d).pool == pool && daemon_books_agree(d); }), "containers and records do not come together", at);
  return report_seconds(now_seconds() - since);
}

std::string kept(const Stage& stage) {
  char text[80];
  snprintf(text, sizeof text, "same container, within %.0f ms", stage.slowest * 1000);
  return text;
}

void what_is_ended_by_hand_is_over_for_its_client_alone(Scene* scene) {
  Stage stage = set_stage(scene, 0);
  Daemon* d = stage.d;
  struct Act {
    const char* what;
    const char* method;
    const char* path;  // behind /containers/ID
  };
  for (const Act& act :
       {Act{"killed", "POST", "/kill"}, Act{"stopped", "POST", "/stop?t=0"}, Act{"removed", "DELETE", "?force=1"}}) {
    std::string id = daemon_access(d, stage.hit, kSize).id;
    double began = now_seconds();
    long status = engine_call(d->socket, act.method, "/containers/" + id + act.path).status;
    check_number(status, 204, std::string("docker ") + act.what);
    check_at(wait_until(10, [&] { return entry_find(daemon_status(d).records, stage.hit) == nullptr; }),
             std::string(act.what) + ": the record stays");
    double noticed = now_seconds() - began;
    check_at(daemon_logs_loudly(d, {stage.hit, id.substr(0, 12)}), std::string(act.what) + ": not a word in the log");
    check_spared(&stage);
    HttpReply reply = daemon_get(d, access_path(stage.hit, kSize));
    check_at(daemon_check_302(d, reply, stage.hit).id != id, std::string(act.what) + ": a dead container");
    std::string well = wait_rest(d, 0, began);
    report_fault({std::string("container ") + act.what + " by hand",
                  "its client 302 to a new one after " + report_seconds(reply.seconds), kept(stage), well,
                  "noticed after " + report_seconds(noticed)});
  }
}

// Its name is what tells whose it is when the state file is lost, so it gets it back.
void renamed_by_hand_a_session_goes_on_and_gets_its_name_back(Scene* scene) {
  Stage stage = set_stage(scene, 0);
  Daemon* d = stage.d;
  double began = now_seconds();
  std::string odd = "renamed-" + stage.of_hit.id.substr(0, 12);
  check_at(engine_rename(d->socket, stage.of_hit.id, odd), "docker rename");
  HttpReply reply = daemon_get(d, access_path(stage.hit, kSize));
  check_number(reply.status, 302, "access");
  check_at(daemon_logs_loudly(d, {stage.hit, odd}), "not a word in the log");
  SeenContainer seen;
  check_at(
      wait_until(10,
                 [&] { return engine_inspect(d->socket, stage.of_hit.id, &seen) && seen.name == "vnc_" + stage.hit; }),
      "it keeps the name that somebody gave it: " + seen.name);
  std::string well = report_seconds(now_seconds() - began);
  check_at(wait_until(5, [&] { return entry_of(daemon_state(d), stage.hit).name == "vnc_" + stage.hit; }),
           "its record does not say so");
  check_equal(daemon_access(d, stage.hit, kSize).id, stage.of_hit.id, "container");
  check_spared(&stage);
  report_fault({"container renamed by hand", "its client 302 to the same after " + report_seconds(reply.seconds),
                kept(stage), "its name back after " + well, ""});
}

void paused_by_hand_a_session_is_kept_with_a_warning_and_the_pool_replaced(Scene* scene) {
  Stage stage = set_stage(scene, 1);
  Daemon* d = stage.d;
  std::string pool = entry_of(daemon_status(d).records, "__pool__").id;
  double began = now_seconds();
  for (const std::string& id : {stage.of_hit.id, pool})
    check_number(engine_call(d->socket, "POST", "/containers/" + id + "/pause").status, 204, "docker pause");
  std::string socket = d->socket;
  scene->cleanups.push_back(
      [socket, id = stage.of_hit.id] { engine_call(socket, "POST", "/containers/" + id + "/unpause"); });
  check_at(daemon_logs_loudly(d, {stage.hit, "paused"}), "not a word in the log");
  HttpReply reply = daemon_get(d, access_path(stage.hit, kSize));
  check_number(reply.status, 302, "access");
  check_spared(&stage);
  bool replaced = wait_until(30, [&] {
    std::vector<Entry> records = daemon_status(d).records;
    const Entry* entry = entry_find(records, "__pool__");
    return entry != nullptr && entry->id != pool;
  });
  check_at(replaced, "a paused container stays in the pool");
  std::string well = report_seconds(now_seconds() - began);
  check_number(engine_call(d->socket, "POST", "/containers/" + stage.of_hit.id + "/unpause").status, 204,
               "docker unpause");
  check_at(wait_until(15,
                      [&] {
                        SeenContainer seen;
                        return engine_inspect(d->socket, stage.of_hit.id, &seen) && seen.health == "healthy";
                      }),
           "it does not recover");
  check_equal(daemon_access(d, stage.hit, kSize).id, stage.of_hit.id, "container");
  wait_rest(d, 1, began);
  report_fault({"containers paused by hand", "its client 302 to the same after " + report_seconds(reply.seconds),
                kept(stage), "the pool's replaced after " + well, "warned; the session goes on when it is thawed"});
}

void with_its_network_removed_sessions_are_kept_and_newcomers_get_a_new_one(Scene* scene) {
  Stage stage = set_stage(scene, 1);
  Daemon* d = stage.d;
  std::string pool = entry_of(daemon_status(d).records, "__pool__").id;
  double began = now_seconds();
  for (const std::string& id : {stage.of_hit.id, stage.of_spared.id, pool})
    check_at(engine_disconnect(d->socket, scene->suite->network, id), "docker network disconnect");
  // Refills join it the moment they see that the pool's is cut off: whoever tries hard enough removes it in between.
  check_at(wait_until(20,
                      [&] {
                        for (const SeenContainer& seen : daemon_containers(d))
                          engine_disconnect(d->socket, scene->suite->network, seen.id);
                        return engine_remove_network(d->socket, scene->suite->network);
                      }),
           "docker network rm");
  for (const std::string& client : {stage.hit, stage.spared})
    check_at(daemon_logs_loudly(d, {client, "network"}), "not a word in the log about " + client);
  check_spared(&stage);
  std::string newcomer = suite_client(*scene->suite, "newcomer");
  HttpReply reply = daemon_get(d, access_path(newcomer, kSize));
  Entry entry = daemon_check_302(d, reply, newcomer);
  SeenContainer seen;
  check_at(engine_inspect(d->socket, entry.id, &seen) && seen.networks == Texts{scene->suite->network},
           "the newcomer is not on the session network");
  check_equal(daemon_access(d, stage.hit, kSize).id, stage.of_hit.id, "container");
  daemon_wait_pool(d, 1);
  std::string well = wait_rest(d, 1, began);
  // A session without a network shows its client nothing: the way out is a removal.
  check_number(daemon_get(d, "/remove?id=" + stage.hit).status, 200, "/remove");
  check_at(daemon_access(d, stage.hit, kSize).id != stage.of_hit.id, "the same container");
  report_fault({"network cut off and removed by hand", "newcomer 302 after " + report_seconds(reply.seconds),
                kept(stage), well, "sessions kept with a warning, the pool's replaced"});
}

void an_image_untagged_amid_launches_is_named_and_found_again(Scene* scene) {
  Daemon* d = scene->daemon;
  std::string name = "localhost/vnc-orchestrator-untagged-" + std::to_string(scene->suite->block);
  std::string socket = d->socket;
  auto tag = [&] {
    std::string path = "/images/" + std::string(kTinyImage) + "/tag?repo=" + name + "&tag=latest";
    check_number(engine_call(socket, "POST", path).status, 201, "docker tag");
  };
  tag();
  scene->cleanups.push_back([socket, name] { engine_call(socket, "DELETE", "/images/" + name + ":latest?force=1"); });
  daemon_set(d, "VNC_IMAGE", name + ":latest");
  Stage stage = set_stage(scene, 0);
  std::vector<HttpCall> calls;
  std::vector<std::future<HttpReply>> waiting;
  for (int i = 0; i < 2; ++i)
    waiting.push_back(http_call_later(
        daemon_call(d, access_path(suite_client(*scene->suite, "amid" + std::to_string(i)), "&width=640&height=480"))));
  check_number(engine_call(socket, "DELETE", "/images/" + name + ":latest?force=1").status, 200, "docker rmi");
  std::string told;
  for (std::future<HttpReply>& one : waiting) {
    HttpReply reply = one.get();
    told += std::to_string(reply.status) + " after " + report_seconds(reply.seconds) + ", ";
    if (reply.status != 302)
      check_at(check_error(reply, 500).find(name) != std::string::npos, "the image is not named: " + reply.body);
  }
  std::string late = suite_client(*scene->suite, "late");
  for (int i = 0; i < 2; ++i) daemon_get(d, "/remove?id=" + suite_client(*scene->suite, "amid" + std::to_string(i)));
  HttpReply reply = daemon_get(d, access_path(late, kSize));
  std::string text = check_error(reply, 500);
  check_at(text.find(name) != std::string::npos, "the image is not named: " + text);
  check_at(daemon_logs_loudly(d, {late, name}), "not a word in the log");
  check_spared(&stage);
  double began = now_seconds();
  tag();
  check_at(wait_until(30, [&] { return daemon_get(d, access_path(late, kSize)).status == 302; }),
           "the image is there and nobody sees it");
  std::string well = wait_rest(d, 0, began);
  check_equal(daemon_access(d, stage.hit, kSize).id, stage.of_hit.id, "container");
  report_fault({"image untagged amid launches",
                "amid it " + told + "later 500 with its name after " + report_seconds(reply.seconds), kept(stage), well,
                ""});
  for (const std::string& client : {late, stage.hit, stage.spared}) daemon_get(d, "/remove?id=" + client);
}

// Two ports in all: the moment one is free another program has it.
void a_port_taken_between_two_sessions_is_passed_over(Scene* scene) {
  daemon_set_ports(scene->daemon, 10, 3);
  Stage stage = set_stage(scene, 0);
  Daemon* d = stage.d;
  double began = now_seconds();
  check_number(daemon_get(d, "/remove?id=" + stage.hit).status, 200, "/remove");
  int fd = -1;
  check_at(wait_until(5, [&] { return (fd = tcp_listen(stage.of_hit.port)) >= 0; }), "cannot take the port");
  scene->cleanups.push_back([fd] { tcp_close(fd); });
  double slowest = 0;
  for (int i = 0; i < 2;
       ++i) {  // one for the port that was free all the time, one for the port that is not what it seems
    std::string client = suite_client(*scene->suite, "comes" + std::to_string(i));
    check_spared(&stage);
    HttpReply reply = daemon_get(d, access_path(client, kSize));
    slowest = std::max(slowest, reply.seconds);
    check_at(daemon_check_302(d, reply, client).port != stage.of_hit.port, "somebody else's port");
  }
  check_at(daemon_logs_loudly(d, {"Port " + std::to_string(stage.of_hit.port), "skipped"}), "not a word in the log");
  check_spared(&stage);
  std::string well = wait_rest(d, 0, began);
  report_fault({"a session's port taken by another program",
                "newcomers 302 on other ports after " + report_seconds(slowest), kept(stage), well, ""});
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(what_is_ended_by_hand_is_over_for_its_client_alone),
      E2E_TEST(renamed_by_hand_a_session_goes_on_and_gets_its_name_back),
      E2E_TEST(paused_by_hand_a_session_is_kept_with_a_warning_and_the_pool_replaced),
      E2E_TEST(with_its_network_removed_sessions_are_kept_and_newcomers_get_a_new_one),
      E2E_TEST(an_image_untagged_amid_launches_is_named_and_found_again),
      E2E_TEST(a_port_taken_between_two_sessions_is_passed_over),
  };
  return suite_main("hands", tests);
}
