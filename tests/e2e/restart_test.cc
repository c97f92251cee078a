// The daemon ends, by SIGTERM or SIGKILL, in good and bad moments, and comes back, with the same settings or others.
#include <signal.h>
#include <unistd.h>

#include <set>

#include "support/daemon.h"

namespace {

bool exists(Daemon* d, const std::string& id) {
  SeenContainer seen;
  return engine_inspect(d->socket, id, &seen);
}

SeenContainer inspect(Daemon* d, const std::string& id, const At& at = At::current()) {
  SeenContainer seen;
  check_at(engine_inspect(d->socket, id, &seen), "no container " + id, at);
  return seen;
}

Entry pool_entry(Daemon* d, const At& at = At::current()) {
  std::vector<Entry> records = daemon_status(d, at).records;
  const Entry* entry = entry_find(records, "__pool__");
  check_at(entry != nullptr, "no pool container", at);
  return *entry;
}

bool books_agree(Daemon* d) {
  std::set<std::string> have;
  std::set<std::string> want;
  for (const SeenContainer& seen : daemon_containers(d))
    have.insert(seen.id + (seen.state == "running" ? "" : " " + seen.state));
  for (const Entry& entry : daemon_status(d).records) want.insert(entry.id);
  return have == want;
}

void sessions_and_pool_live_through_a_restart(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string a = suite_client(*scene->suite, "stay-a");
  std::string b = suite_client(*scene->suite, "stay-b");
  Entry first = daemon_access(d, a);
  Entry second = daemon_access(d, b, "&width=800&height=600");
  daemon_wait_pool(d, 1);
  Entry pool = pool_entry(d);
  daemon_stop(d);
  for (const std::string& id : {first.id, second.id, pool.id})
    check_equal(inspect(d, id).state, "running", "state while stopped");

  size_t created = ledger_count(scene->suite->ledger.get());
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_number(daemon_status(d).active, 3, "records");
  check_equal(pool_entry(d).id, pool.id, "pool");
  check_equal(daemon_access(d, a).id, first.id, "container of a");
  Entry again = daemon_access(d, b, "&width=800&height=600");
  check_equal(again.id, second.id, "container of b");
  check_equal(again.created, second.created, "created_at of b");
  check_number(static_cast<long>(ledger_count(scene->suite->ledger.get()) - created), 0, "containers created");
  check_equal(daemon_access(d, suite_client(*scene->suite, "stay-c")).id, pool.id,
              "the pool is still good for a claim");
}

void killed_during_creations_nothing_is_leaked_and_nobody_moved(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 2");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set_ports(d, 10, 5);
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string sitting = suite_client(*scene->suite, "sitting");
  Entry before = daemon_access(d, sitting);
  std::vector<std::string> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(suite_client(*scene->suite, "kill" + std::to_string(i)));
  // Three moments: nothing asked of the engine yet, something created, something started.
  for (int round = 0; round < 3; ++round) {
    size_t created = ledger_count(scene->suite->ledger.get());
    std::vector<std::future<HttpReply>> waiting;
    for (const std::string& client : clients) {
      waiting.push_back(
          http_call_later(daemon_call(d, access_path(client, "&width=800&height=60" + std::to_string(round)))));
    }
    if (round > 0)
      check_at(wait_until(20, [&] { return ledger_count(scene->suite->ledger.get()) > created; }), "no launch");
    if (round > 1) usleep(1500000);
    daemon_kill9(d);
    for (std::future<HttpReply>& one : waiting) check_number(one.get().status, 0, "an answer from a dead daemon");
    daemon_start(d);
    daemon_wait_reconciled(d);
    check_equal(daemon_access(d, sitting).id, before.id, "the sitting client's container");
  }
  check_at(wait_until(30, [&] { return books_agree(d); }), "records and containers do not come together");
  std::set<int> ports = {before.port};
  for (const std::string& client : clients) {
    check_at(ports.insert(daemon_access(d, client, "&width=640&height=480").port).second, "a port twice");
  }
}

void killed_right_after_the_302_the_client_keeps_its_session(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Entry pool = pool_entry(d);
  std::string client = suite_client(*scene->suite, "promised");
  HttpReply reply = daemon_get(d, access_path(client));
  daemon_kill9(d);
  check_equal(daemon_check_302(d, reply, client).id, pool.id, "container");
  // However far the renaming had come: as if it had not happened.
  engine_rename(d->socket, pool.id, pool.name);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_equal(daemon_access(d, client).id, pool.id, "container after the restart");
  check_at(wait_until(15, [&] { return inspect(d, pool.id).name == "vnc_" + client; }), "it is not renamed after all");
  daemon_wait_pool(d, 1);
  check_at(pool_entry(d).id != pool.id, "a used container in the pool");
}

void stopped_during_creations_those_who_wait_are_told(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 20");
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::vector<std::future<HttpReply>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(
        http_call_later(daemon_call(d, access_path(suite_client(*scene->suite, "term" + std::to_string(i))))));
  }
  check_at(wait_until(20, [&] { return daemon_containers(d).size() >= 2; }), "no launches");
  daemon_stop(d);
  for (std::future<HttpReply>& one : waiting) {
    HttpReply reply = one.get();
    check_error(reply, 503);
    check_at(atoi(http_reply_header(reply, "retry-after").c_str()) > 0, "no Retry-After");
  }
  check_at(!http_call(daemon_call(d, "/health")).error.empty(), "somebody still listens");
  // The books are compared at the end of every test: what runs is written down, nothing is half-made.
  daemon_set(d, "VNC_APPNAME", "tiny page");
  daemon_start(d);
  daemon_wait_reconciled(d);
  daemon_access(d, suite_client(*scene->suite, "term0"));
}

// Its last access may lag behind on disk by a second, but not beyond an orderly end.
void the_last_access_before_a_stop_is_saved(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "last");
  daemon_access(d, client);
  usleep(1500000);
  check_number(daemon_get(d, access_path(client)).status, 302, "access");
  std::string accessed = entry_of(daemon_status(d).records, client).accessed;
  daemon_stop(d);
  check_equal(entry_of(daemon_state(d), client).accessed, accessed, "last_accessed_at on disk");
}

// The renaming is on its way then; what is written down last is what the engine has. With one port, no refill delays the end.
void a_stop_right_after_a_claim_leaves_name_and_record_alike(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set_ports(d, 10, 1);
  for (int round = 0; round < 3; ++round) {
    daemon_start(d);
    daemon_wait_pool(d, 1);
    std::string client = suite_client(*scene->suite, "alike" + std::to_string(round));
    check_number(daemon_get(d, access_path(client)).status, 302, "status");
    usleep(static_cast<useconds_t>(round) * 5000);
    daemon_stop(d);
    daemon_check_books(d);
    daemon_start(d);
    check_number(daemon_get(d, "/remove?id=" + client).status, 200, "/remove");
    daemon_stop(d);
  }
}

void sigint_stops_as_sigterm_does(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  Entry entry = daemon_access(d, suite_client(*scene->suite, "int"));
  kill(d->pid, SIGINT);
  check_number(daemon_wait_exit(d, 10), 0, "exit status");
  check_equal(inspect(d, entry.id).state, "running", "the session");
}

void idle_time_goes_on_while_the_daemon_is_down(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "IDLE_TIMEOUT_HOURS", "0.001");  // 3.6 s
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "0.01");
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "away");
  Entry entry = daemon_access(d, client);
  daemon_stop(d);
  usleep(4000000);
  check_at(exists(d, entry.id), "nobody was there to remove it");
  daemon_start(d);
  check_at(wait_until(3, [&] { return !exists(d, entry.id); }), "its idle time began anew with the daemon");
}

void a_new_default_size_ends_nobodys_session(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string by_default = suite_client(*scene->suite, "default");
  std::string explicitly = suite_client(*scene->suite, "explicit");
  Entry first = daemon_access(d, by_default);
  Entry second = daemon_access(d, explicitly, "&width=410&height=900");
  daemon_wait_pool(d, 1);
  Entry pool = pool_entry(d);
  daemon_stop(d);
  daemon_set(d, "VNC_WIDTH", "500");
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_equal(daemon_access(d, by_default).id, first.id, "container of who asked for no size");
  check_equal(daemon_access(d, explicitly, "&width=410&height=900").id, second.id,
              "container of who asked for this size");
  check_at(wait_until(30, [&] { return !exists(d, pool.id); }), "a pool container of yesterday's size");
  daemon_wait_pool(d, 1);
  check_equal(inspect(d, pool_entry(d).id).env["WIDTH"], "500", "WIDTH of the new pool");
  check_equal(pool_entry(d).width, "500", "its record");
}

void a_new_command_renews_the_pool_only(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string client = suite_client(*scene->suite, "command");
  Entry entry = daemon_access(d, client);
  daemon_wait_pool(d, 1);
  Entry pool = pool_entry(d);
  daemon_stop(d);
  daemon_set(d, "VNC_APPNAME", "another page");
  daemon_start(d);
  // At once: yesterday's pool container must not be given out, whoever is quicker.
  Entry other = daemon_access(d, suite_client(*scene->suite, "command2"));
  check_at(other.id != pool.id, "a pool container of yesterday's command was given out");
  check_equal(inspect(d, other.id).env["APPNAME"], "another page", "APPNAME");
  check_at(wait_until(30, [&] { return !exists(d, pool.id); }), "a pool container of yesterday's command");
  check_equal(daemon_access(d, client).id, entry.id, "a client's container");
  daemon_wait_pool(d, 1);
}

void a_smaller_pool_is_made_smaller(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "2");
  daemon_start(d);
  daemon_wait_pool(d, 2);
  daemon_stop(d);
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(wait_until(20, [&] { return daemon_containers(d).size() == 1; }), "more READY than WARM_POOL_SIZE");
  check_number(daemon_status(d).pool, 1, "pool_containers");
}

void sessions_outside_a_changed_range_stay_until_they_end(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "outside");
  Entry entry = daemon_access(d, client);
  daemon_stop(d);
  daemon_set_ports(d, 20, 2);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_equal(daemon_access(d, client).id, entry.id, "container");
  check_number(daemon_status(d).max_slots, 2, "max_slots");
  std::string other = suite_client(*scene->suite, "inside");
  check_at(daemon_access(d, other).port >= daemon_first_slot(d), "a port of yesterday's range");
  check_number(daemon_get(d, "/remove?id=" + client).status, 200, "/remove");
  check_at(daemon_access(d, client).port >= daemon_first_slot(d), "a port of yesterday's range");
}

void two_daemons_never_share_a_state_file(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "mine");
  Entry entry = daemon_access(d, client);
  Daemon* second = scene_add_daemon(scene, "second");
  second->books = false;  // it never keeps any
  daemon_set(second, "ORCHESTRATOR_PORT", std::to_string(scene->suite->first_port + 1));
  daemon_set(second, "STATE_FILE", daemon_state_path(d));
  Outcome outcome = daemon_run(second, {});
  check_at(outcome.status > 0 && outcome.status < 128, "exit status " + std::to_string(outcome.status));
  check_at(outcome.err.find("state.json") != std::string::npos, "no reason: " + outcome.err);
  check_at(outcome.err.find(std::to_string(d->pid)) != std::string::npos, "who holds it is not named: " + outcome.err);
  check_equal(daemon_access(d, client).id, entry.id, "container");
}

void a_port_in_use_stops_the_start_with_words(Scene* scene) {
  Daemon* d = scene->daemon;
  int fd = tcp_listen(daemon_port(d));
  check_at(fd >= 0, "cannot listen");
  scene->cleanups.push_back([fd] { tcp_close(fd); });
  Outcome outcome = daemon_run(d, {});
  check_at(outcome.status > 0 && outcome.status < 128, "exit status " + std::to_string(outcome.status));
  check_at(outcome.err.find(std::to_string(daemon_port(d))) != std::string::npos,
           "the port is not named: " + outcome.err);
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(sessions_and_pool_live_through_a_restart),
      E2E_TEST(killed_during_creations_nothing_is_leaked_and_nobody_moved),
      E2E_TEST(killed_right_after_the_302_the_client_keeps_its_session),
      E2E_TEST(stopped_during_creations_those_who_wait_are_told),
      E2E_TEST(the_last_access_before_a_stop_is_saved),
      E2E_TEST(a_stop_right_after_a_claim_leaves_name_and_record_alike),
      E2E_TEST(sigint_stops_as_sigterm_does),
      E2E_TEST(idle_time_goes_on_while_the_daemon_is_down),
      E2E_TEST(a_new_default_size_ends_nobodys_session),
      E2E_TEST(a_new_command_renews_the_pool_only),
      E2E_TEST(a_smaller_pool_is_made_smaller),
      E2E_TEST(sessions_outside_a_changed_range_stay_until_they_end),
      E2E_TEST(two_daemons_never_share_a_state_file),
      E2E_TEST(a_port_in_use_stops_the_start_with_words),
  };
  return suite_main("restart", tests);
}
