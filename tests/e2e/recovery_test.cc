// What the daemon makes of what it finds at its start: a lost, torn or foreign state file, containers of the first version, of
// nobody and of somebody else.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/daemon.h"

namespace {

bool exists(Daemon* d, const std::string& id) {
  SeenContainer seen;
  return engine_inspect(d->socket, id, &seen);
}

bool running(Daemon* d, const std::string& id) {
  SeenContainer seen;
  return engine_inspect(d->socket, id, &seen) && seen.state == "running";
}

Entry pool_entry(Daemon* d, const At& at = At::current()) {
  std::vector<Entry> records = daemon_status(d, at).records;
  const Entry* entry = entry_find(records, "__pool__");
  check_at(entry != nullptr, "no pool container", at);
  return *entry;
}

// A container that the daemon did not make; removed with the scene.
std::string make_foreign(Scene* scene, ForeignSpec spec, const At& at = At::current()) {
  if (spec.image.empty()) spec.image = kTinyImage;
  spec.labels[kForeignLabel] = scene->suite->network;
  std::string error;
  std::string id = engine_create(scene->daemon->socket, spec, &error);
  check_at(!id.empty(), error, at);
  return id;
}

// The session network, made by a daemon that then goes.
void make_network(Scene* scene) {
  daemon_start(scene->daemon);
  daemon_wait_reconciled(scene->daemon);
  daemon_stop(scene->daemon);
}

Texts set_aside(Daemon* d) {
  Texts found;
  for (const auto& entry : std::filesystem::directory_iterator(d->folder)) {
    std::string name = entry.path().filename();
    if (name.rfind("state.json.corrupt-", 0) == 0) found.push_back(name);
  }
  return found;
}

// Two clients and a pool container; then SIGTERM.
struct Before {
  std::string a, b;
  Entry by_pool, by_size, pool;
};
Before run_and_stop(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Before before;
  before.a = suite_client(*scene->suite, "lost-a");
  before.b = suite_client(*scene->suite, "lost-b");
  daemon_access(d, before.a);
  before.by_size = daemon_access(d, before.b, "&width=800&height=600");
  daemon_wait_pool(d, 1);
  auto renamed = [&] { return entry_of(daemon_state(d), before.a).name == "vnc_" + before.a; };
  check_at(wait_until(10, renamed), "no renaming");
  std::vector<Entry> records = daemon_status(d).records;
  before.by_pool = entry_of(records, before.a);
  before.pool = pool_entry(d);
  daemon_stop(d);
  return before;
}

// Clients' containers are known by their names; a pool container without a record may have been anybody's.
void check_recovered(Daemon* d, const Before& before, const At& at = At::current()) {
  daemon_wait_reconciled(d, at);
  check_at(wait_until(15, [&] { return !exists(d, before.pool.id); }), "a pool container without a record stays", at);
  std::vector<Entry> records = daemon_status(d, at).records;
  const Entry* by_size = entry_find(records, before.b);
  check_at(by_size != nullptr && by_size->id == before.by_size.id, "b's session is not taken over", at);
  check_equal(by_size->width + "x" + by_size->height, "800x600", "size of b's session", at);
  check_equal(daemon_access(d, before.a, "", at).id, before.by_pool.id, "container of a", at);
  check_equal(daemon_access(d, before.b, "&width=800&height=600", at).id, before.by_size.id, "container of b", at);
  daemon_wait_pool(d, 1, at);
}

void a_lost_state_file_costs_clients_nothing(Scene* scene) {
  Daemon* d = scene->daemon;
  Before before = run_and_stop(scene);
  check_number(unlink(daemon_state_path(d).c_str()), 0, "unlink");
  daemon_start(d);
  check_recovered(d, before);
  struct stat now;
  check_number(stat(daemon_state_path(d).c_str(), &now), 0, "state file");
  check_number(static_cast<long>(now.st_mode & 0777), 0600, "mode of the state file");
}

void a_torn_state_file_is_set_aside_and_said(Scene* scene) {
  Daemon* d = scene->daemon;
  Before before = run_and_stop(scene);
  std::string text = file_text(daemon_state_path(d));
  std::string torn = text.substr(0, text.size() / 2);
  file_write(daemon_state_path(d), torn);
  daemon_start(d);
  check_recovered(d, before);
  Texts kept = set_aside(d);
  check_number(static_cast<long>(kept.size()), 1, "files set aside");
  check_equal(file_text(d->folder + "/" + kept[0]), torn, "what was set aside");
  check_at(daemon_logs_loudly(d, {kept[0]}), "not said loudly");
}

void a_file_that_is_not_ours_is_set_aside(Scene* scene) {
  Daemon* d = scene->daemon;
  for (const std::string& text :
       Texts{"{\"version\": 3}", "[1, 2]", "[{\"client_id\": \"x\"}]", std::string("\0\0\0\0", 4)}) {
    file_write(daemon_state_path(d), text);
    daemon_start(d);
    daemon_wait_reconciled(d);
    check_number(daemon_status(d).active, 0, "records");
    daemon_stop(d);
    Texts kept = set_aside(d);
    check_number(static_cast<long>(kept.size()), 1, "files set aside for " + text);
    check_equal(file_text(d->folder + "/" + kept[0]), text, "what was set aside");
    unlink((d->folder + "/" + kept[0]).c_str());
  }
}

void a_state_file_that_cannot_be_written_stops_the_start(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  std::string disk = d->folder + "/disk";
  mkdir(disk.c_str(), 0755);
  check_number(mount("tmpfs", disk.c_str(), "tmpfs", MS_RDONLY, "size=64k"), 0,
               "mount a read-only tmpfs (these tests run as root)");
  scene->cleanups.push_back([disk] { umount2(disk.c_str(), MNT_DETACH); });
  for (const char* path : {"disk/state.json", "no/such/folder/state.json", "/proc/state.json"}) {
    daemon_set(d, "STATE_FILE", path);
    Outcome outcome = daemon_run(d, {});
    check_at(outcome.status == 1 || outcome.status == 2,
             std::string(path) + ": exit status " + std::to_string(outcome.status));
    check_at(outcome.err.find(path) != std::string::npos, std::string(path) + " is not named: " + outcome.err);
  }
}

// Rule 2, the worst case: given out, killed before the renaming, and the state lost. Only its removal is safe.
void a_used_container_under_its_pool_name_never_serves_again(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Entry pool = pool_entry(d);
  std::string first = suite_client(*scene->suite, "ana");
  std::string second = suite_client(*scene->suite, "bruno");
  HttpReply reply = daemon_get(d, access_path(first));
  daemon_kill9(d);
  check_equal(daemon_check_302(d, reply, first).id, pool.id, "container");
  // The engine may still be carrying out the renaming that the killed daemon asked for.
  SeenContainer seen;
  wait_until(1.5, [&] { return engine_inspect(d->socket, pool.id, &seen) && seen.name == "vnc_" + first; });
  engine_rename(d->socket, pool.id, pool.name);
  check_number(unlink(daemon_state_path(d).c_str()), 0, "unlink");
  daemon_start(d);
  check_at(daemon_access(d, second).id != pool.id, "one person's open session went to the next");
  check_at(wait_until(20, [&] { return !exists(d, pool.id); }), "it stays");
}

// The file is older than the renaming: where a record says pool and the name says client, the name wins.
void a_name_wins_over_an_older_record(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Entry pool = pool_entry(d);
  std::string yesterday = file_text(daemon_state_path(d));
  std::string client = suite_client(*scene->suite, "name");
  daemon_access(d, client);
  check_at(wait_until(10, [&] { return entry_of(daemon_state(d), client).name == "vnc_" + client; }), "no renaming");
  daemon_stop(d);
  file_write(daemon_state_path(d), yesterday);
  daemon_start(d);
  check_at(daemon_access(d, suite_client(*scene->suite, "name2")).id != pool.id,
           "one person's open session went to the next");
  check_equal(daemon_access(d, client).id, pool.id, "container");
}

void fields_we_do_not_know_are_kept(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "fields");
  Entry entry = daemon_access(d, client);
  daemon_stop(d);
  JsonPtr state = daemon_state_json(d);
  json_object_set_new(json_array_get(state.get(), 0), "note", json_pack("{s:[i,s]}", "deep", 1, "\xc3\xa9"));
  json_object_set_new(json_array_get(state.get(), 0), "tenant", json_string("north"));
  check_number(json_dump_file(state.get(), daemon_state_path(d).c_str(), 0), 0, "write");
  daemon_start(d);
  check_equal(daemon_access(d, client).id, entry.id, "container");
  auto saved = [&] { return entry_of(daemon_state(d), client).accessed != entry.accessed; };
  check_at(wait_until(5, saved), "not written again");
  JsonPtr after = daemon_state_json(d);
  json_t* record = json_array_get(after.get(), 0);
  check_equal(json_text(record, "tenant"), "north", "tenant");
  json_t* deep = json_object_get(json_object_get(record, "note"), "deep");
  check_equal(json_string_value(json_array_get(deep, 1)), "\xc3\xa9", "note");
}

// What the user's first version leaves when ours takes its place: its file, and containers without labels.
void the_first_versions_file_and_containers_are_taken_over(Scene* scene) {
  Daemon* d = scene->daemon;
  make_network(scene);
  int port = daemon_first_slot(d);
  std::string a = suite_cpf(*scene->suite, 31);
  std::string b = suite_cpf(*scene->suite, 32);
  ForeignSpec spec;
  spec.network = scene->suite->network;
  spec.name = "vnc_" + a;
  spec.host_port = port + 1;
  spec.env = {{"WIDTH", "1024"}, {"HEIGHT", "768"}};
  std::string with_record = make_foreign(scene, spec);
  spec.name = "vnc_" + b;
  spec.host_port = port + 2;
  spec.env = {{"WIDTH", "800"}, {"HEIGHT", "600"}};
  std::string without_record = make_foreign(scene, spec);
  spec.name = "vnc_pool_" + std::to_string(port + 3);
  spec.host_port = port + 3;
  std::string old_pool = make_foreign(scene, spec);
  file_write(daemon_state_path(d), R"([
  {
    "client_id": ")" + a + R"(",
    "container_id": ")" + with_record + R"(",
    "container_name": "vnc_)" + a + R"(",
    "port": )" + std::to_string(port + 1) +
                                       R"(,
    "width": "1024",
    "height": "768",
    "created_at": "2026-02-08T14:30:00.000000",
    "last_accessed_at": "2026-02-08T16:45:00.000000"
  }
])");
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "600");
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_equal(entry_of(daemon_status(d).records, a).created, "2026-02-08T14:30:00.000000", "created_at");
  Entry first = daemon_access(d, a, "&width=1024&height=768");
  check_equal(first.id, with_record, "container of a");
  check_number(first.port, port + 1, "port of a");
  Entry second = daemon_access(d, b, "&width=800&height=600");
  check_equal(second.id, without_record, "container of b");
  check_number(second.port, port + 2, "port of b");
  check_at(wait_until(15, [&] { return !exists(d, old_pool); }), "a pool container without a record is kept");
  check_number(daemon_get(d, "/remove?id=" + a).status, 200, "/remove");
  check_at(!exists(d, with_record), "a taken-over container is not removed");
}

void what_belongs_to_others_is_not_touched(Scene* scene) {
  Daemon* d = scene->daemon;
  make_network(scene);
  std::string tag = suite_client(*scene->suite, "foreign");
  std::vector<ForeignSpec> specs;
  auto add = [&](const std::string& name, int port, const std::string& instance, bool start = true) {
    ForeignSpec spec;
    spec.name = name;
    if (port != 0) spec.network = scene->suite->network;
    spec.host_port = port;
    if (!instance.empty()) spec.labels[kInstanceLabel] = instance;
    spec.start = start;
    specs.push_back(spec);
  };
  int outside = scene->suite->first_port + 30;  // of our share, but not of the daemon's range
  int inside = daemon_first_slot(d);
  add("vnc_" + tag + "-a", outside, "");  // a first version with another range
  add("vnc_pool_" + std::to_string(outside + 1), outside + 1, "");
  add("vnc_" + tag + "-b", 0, "");                   // publishes nothing
  add("vnc_" + tag + "-c", 0, "", false);            // created, not started
  add("vnc_" + tag + "-d", inside, tag + "-other");  // of another instance, on a port of our range
  add("vnc" + tag, inside + 1, "");                  // names that only look like ours
  add("my_vnc_" + tag, 0, "");
  add(tag + "-plain", 0, "");
  std::vector<std::string> ids;
  for (const ForeignSpec& spec : specs) ids.push_back(make_foreign(scene, spec));

  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Entry entry = daemon_access(d, suite_client(*scene->suite, "own"));
  check_at(entry.port >= inside + 2, "a port that others hold");
  check_number(daemon_get(d, "/remove-all").status, 200, "/remove-all");
  daemon_wait_pool(d, 1);
  check_number(daemon_status(d).active, 1, "records");
  daemon_stop(d);
  for (size_t i = 0; i < ids.size(); ++i) {
    SeenContainer seen;
    check_at(engine_inspect(d->socket, ids[i], &seen), specs[i].name + " is gone");
    check_equal(seen.name, specs[i].name, "name");
    check_equal(seen.state, specs[i].start ? "running" : "created", "state of " + seen.name);
  }
}

// An installation is copied with all it has, and given another network and port. What its records name is the first one's still.
void a_copied_state_file_touches_nobody_elses_sessions(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string client = suite_client(*scene->suite, "first");
  Entry entry = daemon_access(d, client);
  daemon_wait_pool(d, 1);
  check_at(wait_until(10, [&] { return daemon_books_agree(d); }), "no rest");
  std::vector<Entry> before = daemon_state(d);

  Daemon* copy = scene_add_daemon(scene, "copy");
  file_write(daemon_state_path(copy), file_text(daemon_state_path(d)));
  daemon_set(copy, "DOCKER_NETWORK_NAME", scene->suite->network + "-copy");
  daemon_set(copy, "DOCKER_NETWORK_SUBNET", suite_subnet(*scene->suite, 1));
  daemon_set(copy, "ORCHESTRATOR_PORT", std::to_string(daemon_port(d) + 1));
  daemon_set(copy, "WARM_POOL_SIZE", "1");
  daemon_set_ports(copy, 10, 8);  // the first one's among them
  daemon_start(copy);
  daemon_wait_pool(copy, 1);
  check_at(daemon_logs_loudly(copy, {client, "another installation"}), "not a word in the log");
  for (const Entry& other : {daemon_access(copy, client), daemon_status(copy).records[0]})
    for (const Entry& have : before) check_at(other.id != have.id, "two installations, one container");
  check_number(daemon_get(copy, "/remove-all").status, 200, "/remove-all");
  for (const Entry& have : before) {
    SeenContainer seen;
    check_at(engine_inspect(d->socket, have.id, &seen) && seen.state == "running" && seen.name == have.name,
             have.name + " was touched");
  }
  check_equal(daemon_access(d, client).id, entry.id, "container");
  check_number(daemon_get(copy, "/remove-all").status, 200, "/remove-all");
  daemon_stop(copy);
}

// Ours by their label, but dead or never born.
void leftovers_of_ours_are_removed_at_the_start(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "stopped");
  Entry stopped = daemon_access(d, client);
  daemon_stop(d);
  check_number(engine_call(d->socket, "POST", "/containers/" + stopped.id + "/stop?t=0").status, 204, "docker stop");
  ForeignSpec spec;
  spec.name = "vnc_" + suite_client(*scene->suite, "unborn");
  spec.network = scene->suite->network;
  spec.host_port = daemon_first_slot(d) + 1;
  spec.labels = {{kInstanceLabel, scene->suite->network}, {kRunLabel, "an-older-run"}, {kJobLabel, "1"}};
  spec.start = false;
  std::string unborn = make_foreign(scene, spec);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(wait_until(15, [&] { return !exists(d, stopped.id) && !exists(d, unborn); }), "leftovers stay");
  check_number(daemon_status(d).active, 0, "records");
  check_at(daemon_access(d, client).id != stopped.id, "a dead container");
}

void a_client_written_down_twice_keeps_one(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "twin");
  Entry first = daemon_access(d, client);
  daemon_stop(d);
  ForeignSpec spec;
  spec.host_port = first.port == daemon_first_slot(d) ? first.port + 1 : daemon_first_slot(d);
  spec.name = "vnc_pool_" + std::to_string(spec.host_port);  // claimed, as its record says, and not renamed
  spec.network = scene->suite->network;
  std::string twin = make_foreign(scene, spec);
  JsonPtr state = daemon_state_json(d);
  JsonPtr record(json_deep_copy(json_array_get(state.get(), 0)));
  json_object_set_new(record.get(), "container_id", json_string(twin.c_str()));
  json_object_set_new(record.get(), "container_name", json_string(spec.name.c_str()));
  json_object_set_new(record.get(), "port", json_integer(spec.host_port));
  json_array_append(state.get(), record.get());
  check_number(json_dump_file(state.get(), daemon_state_path(d).c_str(), 0), 0, "write");
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(wait_until(15, [&] { return exists(d, first.id) != exists(d, twin); }),
           "one client, two containers or none");
  std::vector<Entry> records = daemon_status(d).records;
  check_number(static_cast<long>(records.size()), 1, "records");
  check_at(exists(d, daemon_access(d, client).id), "the other one was kept");
}

// The file knows one container of the client, under its pool name still; another one bears the client's name.
void a_second_container_of_a_client_who_has_one_is_removed(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Entry pool = pool_entry(d);
  std::string client = suite_client(*scene->suite, "second");
  HttpReply reply = daemon_get(d, access_path(client));
  daemon_kill9(d);
  check_equal(daemon_check_302(d, reply, client).id, pool.id, "container");
  engine_rename(d->socket, pool.id, pool.name);
  ForeignSpec spec;
  spec.name = "vnc_" + client;
  spec.network = scene->suite->network;
  spec.host_port = pool.port == daemon_first_slot(d) + 3 ? pool.port - 1 : daemon_first_slot(d) + 3;
  std::string other = make_foreign(scene, spec);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(wait_until(15, [&] { return !exists(d, other); }), "one client, two containers");
  check_equal(daemon_access(d, client).id, pool.id, "container: the one of the record");
  check_at(wait_until(15, [&] { return entry_of(daemon_state(d), client).name == "vnc_" + client; }),
           "it is not renamed");
}

// A container that was running and unhealthy or starting when the daemon came is no session before it is ready.
void a_half_ready_container_is_not_given_out_before_it_is_ready(Scene* scene) {
  Daemon* d = scene->daemon;
  make_network(scene);
  std::string client = suite_cpf(*scene->suite, 41);
  ForeignSpec spec;
  spec.name = "vnc_" + client;
  spec.network = scene->suite->network;
  spec.host_port = daemon_first_slot(d);
  spec.env = {{"WIDTH", "410"}, {"HEIGHT", "900"}, {"APPNAME", "slow 5"}};
  std::string id = make_foreign(scene, spec);
  daemon_start(d);
  Entry entry = daemon_access(d, client);  // checks that it is healthy
  check_at(entry.id == id || !running(d, id), "two containers for one client");
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(a_lost_state_file_costs_clients_nothing),
      E2E_TEST(a_torn_state_file_is_set_aside_and_said),
      E2E_TEST(a_file_that_is_not_ours_is_set_aside),
      E2E_TEST(a_state_file_that_cannot_be_written_stops_the_start),
      E2E_TEST(a_used_container_under_its_pool_name_never_serves_again),
      E2E_TEST(a_name_wins_over_an_older_record),
      E2E_TEST(fields_we_do_not_know_are_kept),
      E2E_TEST(the_first_versions_file_and_containers_are_taken_over),
      E2E_TEST(what_belongs_to_others_is_not_touched),
      E2E_TEST(a_copied_state_file_touches_nobody_elses_sessions),
      E2E_TEST(leftovers_of_ours_are_removed_at_the_start),
      E2E_TEST(a_client_written_down_twice_keeps_one),
      E2E_TEST(a_second_container_of_a_client_who_has_one_is_removed),
      E2E_TEST(a_half_ready_container_is_not_given_out_before_it_is_ready),
  };
  return suite_main("recovery", tests);
}
