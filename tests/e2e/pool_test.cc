// The pool and the slots: claims, refills, what is replaced, and who has to go when all ports are taken.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <set>

#include "support/daemon.h"

namespace {

bool exists(Daemon* d, const std::string& id) {
  SeenContainer seen;
  return engine_inspect(d->socket, id, &seen);
}

std::string pool_id(Daemon* d, const At& at = At::current()) {
  std::vector<Entry> records = daemon_status(d, at).records;
  const Entry* entry = entry_find(records, "__pool__");
  check_at(entry != nullptr, "no pool container", at);
  return entry->id;
}

void start_with_pool(Scene* scene, int pool, int slots, const At& at = At::current()) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", std::to_string(pool));
  daemon_set_ports(d, 10, slots);
  daemon_start(d, at);
  daemon_wait_pool(d, pool, at);
}

void a_claim_takes_the_pool_container_and_renames_it_later(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 1, 4);
  std::vector<Entry> before = daemon_status(d).records;
  const Entry& pool = before[0];
  check_equal(pool.client, "__pool__", "client_id of the pool");
  check_equal(pool.name, "vnc_pool_" + std::to_string(pool.port), "container_name of the pool");
  check_equal(pool.width + "x" + pool.height, "410x900", "size of the pool");
  check_number(daemon_status(d).active, 1, "active_containers counts the pool");
  size_t created = ledger_count(scene->suite->ledger.get());

  std::string client = suite_client(*scene->suite, "claim");
  HttpReply reply = daemon_get(d, access_path(client));
  size_t created_until_answer = ledger_count(scene->suite->ledger.get());
  Entry entry = daemon_check_302(d, reply, client);
  check_equal(entry.id, pool.id, "container");
  check_number(entry.port, pool.port, "port");
  check_number(static_cast<long>(created_until_answer - created), 0, "containers created before the answer");

  auto renamed = [&] {
    SeenContainer seen;
    return engine_inspect(d->socket, pool.id, &seen) && seen.name == "vnc_" + client;
  };
  check_at(wait_until(10, renamed), "the container is not renamed");
  auto recorded = [&] {
    std::vector<Entry> state = daemon_state(d);
    return entry_of(state, client).name == "vnc_" + client;
  };
  check_at(wait_until(5, recorded), "the new name is not on disk");
  daemon_wait_pool(d, 1);
  check_at(pool_id(d) != pool.id, "the claimed one is still in the pool");
  check_number(daemon_status(d).pool, 1, "pool_containers");
  check_number(daemon_status(d).active, 2, "active_containers");
}

void a_size_of_ones_own_leaves_the_pool_alone(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 1, 4);
  std::string pool = pool_id(d);
  Entry entry = daemon_access(d, suite_client(*scene->suite, "custom"), "&width=800&height=600");
  check_at(entry.id != pool, "the pool's container was given out");
  // Both given is "custom" in the document's words, also when they equal the default.
  Entry same = daemon_access(d, suite_client(*scene->suite, "spelled"), "&width=410&height=900");
  check_at(same.id != pool, "the pool's container was given out");
  check_equal(pool_id(d), pool, "the pool's container");
}

void the_pool_never_has_more_than_it_should(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 2, 4);
  for (const char* name : {"m1", "m2"}) daemon_access(d, suite_client(*scene->suite, name));
  daemon_wait_pool(d, 2);
  check_number(daemon_status(d).active, 4, "records");
  check_number(daemon_get(d, "/remove?id=" + suite_client(*scene->suite, "m1")).status, 200, "/remove");
  int most = 0;
  wait_until(3, [&] { return (most = std::max(most, daemon_status(d).pool)) > 2; });
  check_number(most, 2, "pool_containers at most");
}

void a_launch_on_its_way_to_the_pool_goes_to_who_asks(Scene* scene) {
  Daemon* d = scene->daemon;
  size_t created = ledger_count(scene->suite->ledger.get());
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set(d, "VNC_APPNAME", "slow 3");
  daemon_start(d);
  auto on_its_way = [&] { return ledger_count(scene->suite->ledger.get()) > created; };
  check_at(wait_until(20, on_its_way), "no pool launch");
  LedgerEntry launch = ledger_entries(scene->suite->ledger.get(), created)[0];
  check_at(launch.born_as.rfind("vnc_pool_", 0) == 0, "launched as " + launch.born_as);
  Entry entry = daemon_access(d, suite_client(*scene->suite, "eager"));
  check_equal(entry.id, launch.id, "container");
}

void a_pool_container_that_dies_is_replaced(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 1, 2);
  std::string first = pool_id(d);
  check_at(engine_kill(d->socket, first), "kill");
  auto replaced = [&] { return !exists(d, first) && daemon_status(d).pool == 1 && pool_id(d) != first; };
  check_at(wait_until(30, replaced), "it is not replaced");
  daemon_wait_pool(d, 1);
}

void a_pool_container_that_turns_unhealthy_is_replaced(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_IMAGE", "localhost/vnc-orchestrator-tiny-sick:latest");
  start_with_pool(scene, 1, 2);
  std::string first = pool_id(d);
  check_at(engine_exec(d->socket, first, {"/busybox", "rm", "/www/healthy"}), "docker exec");
  check_at(wait_until(30, [&] { return !exists(d, first); }), "it stays");
  daemon_wait_pool(d, 1);
}

void a_pool_container_cut_off_its_network_is_replaced(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 1, 3);
  std::string first = pool_id(d);
  std::string client = suite_client(*scene->suite, "cutoff");
  Entry kept = daemon_access(d, client, "&width=800&height=600");
  check_at(engine_disconnect(d->socket, scene->suite->network, kept.id), "docker network disconnect");
  check_at(engine_disconnect(d->socket, scene->suite->network, first), "docker network disconnect");
  check_at(wait_until(30, [&] { return !exists(d, first); }), "it stays");
  daemon_wait_pool(d, 1);
  std::vector<Entry> records = daemon_status(d).records;
  check_at(entry_find(records, client) != nullptr && exists(d, kept.id), "a client's session was ended for it");
}

void when_full_the_pool_gives_way_then_the_longest_unused(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 1, 3);
  std::string pool = pool_id(d);
  std::string a = suite_client(*scene->suite, "full-a");
  std::string b = suite_client(*scene->suite, "full-b");
  std::string c = suite_client(*scene->suite, "full-c");
  std::string e = suite_client(*scene->suite, "full-e");
  std::string size = "&width=800&height=600";
  Entry first = daemon_access(d, a, size);
  Entry second = daemon_access(d, b, size);
  check_equal(pool_id(d), pool, "the pool, while there is room");

  Entry third = daemon_access(d, c, size);
  check_at(!exists(d, pool), "a client's session went, or a port was used twice, while the pool had one to give");
  // Now b is the one unused for longest, c before a; accesses are told apart by the millisecond.
  check_equal(daemon_access(d, b, size).id, second.id, "container of b");
  usleep(5000);
  check_equal(daemon_access(d, a, size).id, first.id, "container of a");
  usleep(5000);
  check_equal(daemon_access(d, c, size).id, third.id, "container of c");
  Entry fourth = daemon_access(d, e, size);
  check_number(fourth.port, second.port, "port");
  check_at(!exists(d, second.id), "b's container stays");
  check_equal(daemon_access(d, a, size).id, first.id, "container of a");
  check_equal(daemon_access(d, c, size).id, third.id, "container of c");
  check_number(daemon_status(d).active, 3, "records");
  check_at(daemon_logs(d, {"[RECYCLE]", b}), "[RECYCLE] does not name the client");
  // And the one who had to go gets a session again: now the oldest is e, then a.
  check_at(daemon_access(d, b, size).id != second.id, "a dead container");
  check_at(!exists(d, fourth.id), "e was not the one unused for longest");
}

void clients_come_before_refills(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 1, 2);
  std::string a = suite_client(*scene->suite, "refill-a");
  std::string b = suite_client(*scene->suite, "refill-b");
  Entry first = daemon_access(d, a);   // claims the pool; a refill begins on the last port
  Entry second = daemon_access(d, b);  // and is given to b, or makes way for it
  check_equal(daemon_access(d, a).id, first.id, "container of a");
  check_equal(daemon_access(d, b).id, second.id, "container of b");
  check_at(!wait_until(2, [&] { return daemon_status(d).pool > 0; }), "a refill took a client's place");
  check_number(daemon_status(d).active, 2, "records");
}

void a_refill_on_its_way_makes_way_for_another_size(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 3");
  start_with_pool(scene, 1, 2);
  std::string a = suite_client(*scene->suite, "way-a");
  std::string b = suite_client(*scene->suite, "way-b");
  size_t created = ledger_count(scene->suite->ledger.get());
  Entry first = daemon_access(d, a);
  check_at(wait_until(20, [&] { return ledger_count(scene->suite->ledger.get()) > created; }), "no refill");
  Entry second = daemon_access(d, b, "&width=800&height=600");
  check_equal(second.width, "800", "width");
  check_equal(daemon_access(d, a).id, first.id, "container of a");
}

void with_nothing_to_take_the_answer_is_503(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 5");
  daemon_set_ports(d, 10, 2);
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::string a = suite_client(*scene->suite, "way1");
  std::string b = suite_client(*scene->suite, "way2");
  std::future<HttpReply> one = http_call_later(daemon_call(d, access_path(a)));
  std::future<HttpReply> two = http_call_later(daemon_call(d, access_path(b)));
  check_at(wait_until(20, [&] { return daemon_containers(d).size() == 2; }), "no launches on the way");
  HttpReply reply = daemon_get(d, access_path(suite_client(*scene->suite, "way3")));
  std::string text = check_error(reply, 503);
  check_at(text.rfind("No available ports", 0) == 0, text);
  JsonPtr body = json_from(reply.body);
  check_number(json_integer_value(json_object_get(body.get(), "max_slots")), 2, "max_slots");
  check_at(atoi(http_reply_header(reply, "retry-after").c_str()) > 0, "no Retry-After");
  daemon_check_302(d, one.get(), a);
  daemon_check_302(d, two.get(), b);
}

// Every claimed container goes through a port again and again, and the ledger of this program sees who had which.
void what_a_client_had_never_returns_to_the_pool(Scene* scene) {
  Daemon* d = scene->daemon;
  start_with_pool(scene, 1, 2);
  std::set<std::string> used;
  for (int round = 0; round < 4; ++round) {
    daemon_wait_pool(d, 1);
    std::string client = suite_client(*scene->suite, "turn" + std::to_string(round));
    check_at(used.insert(daemon_access(d, client).id).second, "a container was used twice");
    check_number(daemon_get(d, "/remove?id=" + client).status, 200, "/remove");
  }
}

// ---- A pool that thinks.

int pool_count(Daemon* d) { return daemon_status(d).pool; }

// A crowd that nobody expected makes it larger, what it has learnt is kept, and the next start knows it.
void a_pool_that_thinks_learns_and_remembers(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "auto");
  daemon_set(d, "WARM_POOL_MAX", "3");
  daemon_set_ports(d, 10, 10);
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::vector<std::future<HttpReply>> crowd;
  for (int i = 0; i < 6; ++i) crowd.push_back(http_call_later(daemon_call(d, access_path(suite_client(*scene->suite, "crowd" + std::to_string(i))))));
  for (auto& one : crowd) check_number(one.get().status, 302, "access");
  check_at(wait_until(30, [&] { return pool_count(d) >= 2; }), "the pool stays at " + std::to_string(pool_count(d)));
  check_at(daemon_logs(d, {"[POOL]", "Target 1 -> "}), "the log does not say so");
  check_at(pool_count(d) <= 3, "larger than WARM_POOL_MAX: " + std::to_string(pool_count(d)));
  const std::string path = daemon_state_path(d) + ".pool";
  check_at(wait_until(10, [&] { return std::filesystem::exists(path); }), "nothing is kept");
  daemon_stop(d);
  daemon_start(d);
  check_at(daemon_logs(d, {"[POOL]", "has learnt is read from", ".pool"}), "it is not read again");
  daemon_stop(d);
  // Foresight and no more: without it the daemon starts all the same.
  file_write(path, "{ no such file");
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(daemon_logs_loudly(d, {"learns anew", ".pool"}), "the log does not say why");
  daemon_access(d, suite_client(*scene->suite, "after"));
}

void a_shift_told_beforehand_is_ready(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "0");
  daemon_set(d, "WARM_POOL_SCHEDULE", "00:00-24:00 2");
  daemon_start(d);
  daemon_wait_pool(d, 2);
  const Outcome shown = daemon_run(d, {"--check-config"});
  check_at(shown.out.find("WARM_POOL_SCHEDULE=00:00-24:00 2") != std::string::npos, shown.out);
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(a_claim_takes_the_pool_container_and_renames_it_later),
      E2E_TEST(a_size_of_ones_own_leaves_the_pool_alone),
      E2E_TEST(the_pool_never_has_more_than_it_should),
      E2E_TEST(a_launch_on_its_way_to_the_pool_goes_to_who_asks),
      E2E_TEST(a_pool_container_that_dies_is_replaced),
      E2E_TEST(a_pool_container_that_turns_unhealthy_is_replaced),
      E2E_TEST(a_pool_container_cut_off_its_network_is_replaced),
      E2E_TEST(when_full_the_pool_gives_way_then_the_longest_unused),
      E2E_TEST(clients_come_before_refills),
      E2E_TEST(a_refill_on_its_way_makes_way_for_another_size),
      E2E_TEST(with_nothing_to_take_the_answer_is_503),
      E2E_TEST(what_a_client_had_never_returns_to_the_pool),
      E2E_TEST(a_pool_that_thinks_learns_and_remembers),
      E2E_TEST(a_shift_told_beforehand_is_ready),
  };
  return suite_main("pool", tests);
}
