// The life of one client's session: made, reused, resized, removed, killed from outside, left idle.
#include <algorithm>
#include <filesystem>

#include "support/daemon.h"

namespace {

// Containers with that name or on their way to it, as the engine has them.
std::vector<SeenContainer> named(Daemon* d, const std::string& name) {
  std::vector<SeenContainer> out;
  for (const SeenContainer& seen : daemon_containers(d)) {
    if (seen.name == name) out.push_back(seen);
  }
  return out;
}

bool exists(Daemon* d, const std::string& id) {
  SeenContainer seen;
  return engine_inspect(d->socket, id, &seen);
}

SeenContainer inspect(Daemon* d, const std::string& id, const At& at = At::current()) {
  SeenContainer seen;
  check_at(engine_inspect(d->socket, id, &seen), "no container " + id, at);
  return seen;
}

std::string page(const Entry& entry) {
  HttpCall call;
  call.url = "http://127.0.0.1:" + std::to_string(entry.port) + "/";
  return http_call(call).body;
}

void a_session_is_born_as_the_document_says(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "firefox-kiosk https://example.org/?a=1&b='two words'");
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "born");
  Entry entry = daemon_access(d, client);
  SeenContainer seen = inspect(d, entry.id);
  check_equal(seen.name, "vnc_" + client, "name");
  check_equal(seen.image, kTinyImage, "image");
  check_equal(seen.env["APPNAME"], "firefox-kiosk https://example.org/?a=1&b='two words'", "APPNAME");
  check_equal(seen.env["WIDTH"], "410", "WIDTH");
  check_equal(seen.env["HEIGHT"], "900", "HEIGHT");
  check_number(seen.host_port, entry.port, "published port");
  check_equal(seen.host_ip, "127.0.0.1", "published address (VNC_BIND)");
  check_number(static_cast<long>(seen.networks.size()), 1, "networks");
  check_equal(seen.networks[0], scene->suite->network, "network");
  check_equal(seen.labels[kInstanceLabel], scene->suite->network, "instance label");
  for (const char* label : {kRunLabel, kJobLabel, kFingerprintLabel}) check_at(!seen.labels[label].empty(), label);
  for (const auto& [label, value] : seen.labels)
    check_at(value.find(client) == std::string::npos, "a label names the client");
  check_number(static_cast<long>(seen.shm_size), 256L * 1024 * 1024, "shared memory");
  check_at(seen.restart_policy.empty() || seen.restart_policy == "no", "restart policy " + seen.restart_policy);
  check_at(!seen.log_options["max-size"].empty(), "the container's log is not bounded");
  check_at(page(entry).find("WIDTH=410 HEIGHT=900") != std::string::npos, "the page: " + page(entry));
}

constexpr const char* kOwnCertificate = "/run/session-tls.pem";

// One for all, beside STATE_FILE, mended while the daemon runs.
void sessions_share_the_certificate_of_the_installation(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string path = daemon_state_path(d) + ".certificate.pem";
  daemon_start(d);
  check_at(daemon_logs(d, {"New certificate for all sessions", "made out to 127.0.0.1", path}), "the log does not name it");
  const std::string text = file_text(path);
  for (const char* client : {"one", "two"}) {
    SeenContainer seen = inspect(d, daemon_access(d, suite_client(*scene->suite, client)).id);
    check_equal(seen.mounts[kOwnCertificate], path, "what is mounted");
    check_equal(file_text(path), text, "the certificate");
  }
  std::filesystem::remove(path);
  daemon_access(d, suite_client(*scene->suite, "three"));
  check_at(!file_text(path).empty() && file_text(path) != text, "not made again");
  check_number(static_cast<long>(daemon_log_count(d, "New certificate")), 2, "lines about it");
  // Something that cannot be replaced: a session goes without, and the log says why.
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  SeenContainer without = inspect(d, daemon_access(d, suite_client(*scene->suite, "four")).id);
  check_at(without.mounts.count(kOwnCertificate) == 0, "a folder is mounted");
  check_at(daemon_logs_loudly(d, {"No certificate for all sessions", path, "VNC_TLS_CERT"}), "the log does not say why");
  std::filesystem::remove(path);
}

void the_operators_certificate_is_the_only_one(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string given = d->folder + "/given.pem";
  file_write(given, "a certificate");
  daemon_set(d, "VNC_TLS_CERT", given);
  daemon_set(d, "VNC_TLS_KEY", given);
  daemon_start(d);
  SeenContainer seen = inspect(d, daemon_access(d, suite_client(*scene->suite, "given")).id);
  check_equal(seen.mounts["/run/vnc-tls/cert.pem"], given, "the certificate");
  check_equal(seen.mounts["/run/vnc-tls/key.pem"], given, "its key");
  check_at(seen.mounts.count(kOwnCertificate) == 0, "another is mounted beside it");
  check_at(!std::filesystem::exists(daemon_state_path(d) + ".certificate.pem"), "another is made");
}

void a_session_is_told_what_its_operator_set(Scene* scene) {
  Daemon* d = scene->daemon;
  const Texts told = {"KEYBOARD=br:abnt2",
                      "CLIPBOARD=in",
                      "ALLOW_URLS=*.gov.br 10.0.0.1",
                      "PROXY=http://proxy:3128",
                      "NO_PROXY=localhost,.example.com",
                      "ACCESS_URL=http://portal/"};
  for (const std::string& pair : told)
    daemon_set(d, ("VNC_" + pair.substr(0, pair.find('='))).c_str(), pair.substr(pair.find('=') + 1));
  daemon_set(d, "VNC_LANG", "es-419,en");
  daemon_set(d, "TZ", "America/Manaus");
  daemon_set(d, "VNC_CA_DIR", scene->folder);
  daemon_set(d, "VNC_DNS", "10.0.0.1, 10.0.0.2");
  daemon_start(d);
  SeenContainer seen = inspect(d, daemon_access(d, suite_client(*scene->suite, "told")).id);
  for (const std::string& pair : told)
    check_equal(seen.env[pair.substr(0, pair.find('='))], pair.substr(pair.find('=') + 1), pair);
  check_equal(seen.env["SESSION_LANG"], "es-419,en", "SESSION_LANG");
  check_equal(seen.env["TZ"], "America/Manaus", "TZ");
  check_equal(seen.mounts["/run/session-ca"], scene->folder, "the folder of authorities");
  check_at(seen.dns == Texts{"10.0.0.1", "10.0.0.2"}, "name servers");
}

void an_access_to_a_living_session_reuses_it(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "again");
  Entry first = daemon_access(d, client);
  size_t created = ledger_count(scene->suite->ledger.get());
  for (int i = 0; i < 5; ++i) {
    Entry again = daemon_access(d, client);
    check_equal(again.id, first.id, "container");
    check_number(again.port, first.port, "port");
  }
  check_number(static_cast<long>(ledger_count(scene->suite->ledger.get())), static_cast<long>(created),
               "containers created");
  Entry now = entry_of(daemon_status(d).records, client);
  check_at(now.accessed > first.accessed, "last_accessed_at stands still at " + now.accessed);
  check_equal(now.created, first.created, "created_at");
  bool saved = wait_until(5, [&] { return entry_of(daemon_state(d), client).accessed == now.accessed; });
  check_at(saved, "last_accessed_at is not saved");
  // The size that a client has, asked for in so many words, is the same size.
  check_equal(daemon_access(d, client, "&width=410&height=900").id, first.id, "container");
}

void another_size_is_another_container(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "size");
  Entry first = daemon_access(d, client);
  Entry wide = daemon_access(d, client, "&width=1024&height=768");
  check_at(wide.id != first.id, "the container stayed");
  check_at(!exists(d, first.id), "the old container is still there");
  check_equal(wide.width + "x" + wide.height, "1024x768", "size on disk");
  SeenContainer seen = inspect(d, wide.id);
  check_equal(seen.env["WIDTH"] + "x" + seen.env["HEIGHT"], "1024x768", "size inside");
  check_at(page(wide).find("WIDTH=1024 HEIGHT=768") != std::string::npos, "the page: " + page(wide));
  check_equal(daemon_access(d, client, "&width=1024&height=768").id, wide.id, "container");
  Entry back = daemon_access(d, client);
  check_at(back.id != wide.id, "asked for the default size, got " + back.width);
  check_at(wait_until(10, [&] { return daemon_containers(d).size() == 1; }), "one client, one container");
  check_number(daemon_status(d).active, 1, "records");
}

void the_smallest_and_largest_sizes_work(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string small = suite_client(*scene->suite, "small");
  std::string large = suite_client(*scene->suite, "large");
  std::vector<HttpReply> replies = http_calls_at_once({daemon_call(d, access_path(small, "&width=64&height=64")),
                                                       daemon_call(d, access_path(large, "&width=7680&height=7680"))});
  check_equal(inspect(d, daemon_check_302(d, replies[0], small).id).env["WIDTH"], "64", "WIDTH");
  check_equal(inspect(d, daemon_check_302(d, replies[1], large).id).env["HEIGHT"], "7680", "HEIGHT");
}

void a_removed_session_is_gone_and_the_next_is_new(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "gone");
  Entry first = daemon_access(d, client);
  check_number(daemon_get(d, "/remove?id=" + client).status, 200, "/remove");
  check_at(!exists(d, first.id), "the container is still there");
  check_number(daemon_status(d).active, 0, "records");
  check_at(wait_until(5, [&] { return daemon_state(d).empty(); }), "the record is still on disk");
  check_error(daemon_get(d, "/remove?id=" + client), 404);
  check_at(daemon_access(d, client).id != first.id, "the same container again");
}

void of_the_free_ports_the_one_free_for_longest_comes_first(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, 3);
  daemon_start(d);
  int last = 0;
  for (const char* name : {"p1", "p2", "p3"}) {
    std::string client = suite_client(*scene->suite, name);
    int port = daemon_access(d, client).port;
    check_at(port != last, "port " + std::to_string(port) + " at once again, and old tabs with it");
    last = port;
    check_number(daemon_get(d, "/remove?id=" + client).status, 200, "/remove");
  }
}

void remove_all_removes_clients_and_pool(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  daemon_access(d, suite_client(*scene->suite, "one"), "&width=800&height=600");
  daemon_access(d, suite_client(*scene->suite, "two"), "&width=800&height=600");
  std::vector<Entry> before = daemon_status(d).records;
  check_number(static_cast<long>(before.size()), 3, "records");
  HttpReply reply = daemon_get(d, "/remove-all");
  check_number(reply.status, 200, "/remove-all");
  JsonPtr body = json_from(reply.body);
  check_equal(json_text(body.get(), "status"), "removed_all", "status");
  check_number(json_integer_value(json_object_get(body.get(), "removed")), 3, "removed");
  for (const Entry& entry : before) check_at(!exists(d, entry.id), entry.name + " is still there");
  daemon_wait_pool(d, 1);
  check_number(daemon_status(d).active, 1, "records: the new pool");
}

void removing_a_session_on_its_way_tells_those_who_wait(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 4");
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "cancel");
  std::future<HttpReply> one = http_call_later(daemon_call(d, access_path(client)));
  check_at(wait_until(20, [&] { return !named(d, "vnc_" + client).empty(); }), "no container on the way");
  std::future<HttpReply> two = http_call_later(daemon_call(d, access_path(client)));
  std::string id = named(d, "vnc_" + client)[0].id;
  usleep(500000);  // nobody outside can see that the second one waits, too
  HttpReply removal = daemon_get(d, "/remove?id=" + client);
  check_number(removal.status, 200, "/remove: " + removal.body);
  std::string why = check_error(one.get(), 409);
  check_equal(check_error(two.get(), 409), why, "reason for the second");
  check_at(wait_until(20, [&] { return !exists(d, id); }), "the container stays");
  Entry fresh = daemon_access(d, client);
  check_at(fresh.id != id, "the cancelled container was given out");
}

// The removal comes before the engine has even answered the creation.
void removing_at_once_leaves_nothing_behind(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 2");
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::string client = suite_client(*scene->suite, "early");
  for (int round = 0; round < 3; ++round) {
    std::future<HttpReply> waiting = http_call_later(daemon_call(d, access_path(client)));
    usleep(static_cast<useconds_t>(round) * 60000);
    HttpReply removal;
    check_at(wait_until(5, [&] { return (removal = daemon_get(d, "/remove?id=" + client)).status != 404; }),
             "no session to remove");
    check_number(removal.status, 200, "/remove: " + removal.body);
    check_error(waiting.get(), 409);
  }
  check_at(wait_until(20, [&] { return daemon_containers(d).empty(); }), "something stays behind");
  check_number(daemon_status(d).active, 0, "records");
}

void a_session_that_dies_is_seen_with_nobody_asking(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "dead");
  std::string other = suite_client(*scene->suite, "alive");
  Entry first = daemon_access(d, client);
  Entry untouched = daemon_access(d, other);
  check_at(engine_kill(d->socket, first.id), "kill");
  check_at(wait_until(10, [&] { return entry_find(daemon_status(d).records, client) == nullptr; }), "the record stays");
  check_at(wait_until(10, [&] { return !exists(d, first.id); }), "the dead container stays");
  check_at(wait_until(5, [&] { return entry_find(daemon_state(d), client) == nullptr; }), "the record stays on disk");
  check_at(daemon_logs(d, {client, first.id.substr(0, 12), std::to_string(first.port), " WARNING "}),
           "not a word in the log");
  Entry second = daemon_access(d, client);
  check_at(second.id != first.id, "the dead container was given out");
  check_equal(daemon_access(d, other).id, untouched.id, "the other one's container");
}

// Dead an instant ago: the 302 must not lead to it.
void an_access_right_after_a_death_gets_a_new_session(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "blink");
  Entry first = daemon_access(d, client);
  check_at(engine_remove(d->socket, first.id), "docker rm -f");
  usleep(500000);
  check_at(daemon_access(d, client).id != first.id, "the dead container was given out");
}

void a_session_that_turns_unhealthy_is_kept_with_a_warning(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_IMAGE", "localhost/vnc-orchestrator-tiny-sick:latest");
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "sick");
  Entry entry = daemon_access(d, client);
  check_at(engine_exec(d->socket, entry.id, {"/busybox", "rm", "/www/healthy"}), "docker exec");
  check_at(wait_until(20, [&] { return inspect(d, entry.id).health == "unhealthy"; }), "it stays healthy");
  check_at(daemon_logs_loudly(d, {client, "unhealthy"}), "no warning");
  HttpReply reply = daemon_get(d, access_path(client));
  check_number(reply.status, 302, "access");
  check_equal(entry_of(daemon_status(d).records, client).id, entry.id, "container");
}

void who_hangs_up_finds_the_session_at_the_next_try(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 2");
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::string client = suite_client(*scene->suite, "hangup");
  size_t created = ledger_count(scene->suite->ledger.get());
  HttpCall impatient = daemon_call(d, access_path(client));
  impatient.timeout_ms = 500;
  check_number(http_call(impatient).status, 0, "the first try");
  check_at(wait_until(30, [&] { return entry_find(daemon_status(d).records, client) != nullptr; }),
           "the launch was given up");
  daemon_access(d, client);
  check_number(static_cast<long>(ledger_count(scene->suite->ledger.get()) - created), 1, "containers created");
}

// docker-proxy takes connections before anything listens inside: only an answer over HTTP counts.
void an_image_without_health_check_is_ready_when_it_answers(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_IMAGE", kTinyImageNoHealth);
  daemon_set(d, "VNC_APPNAME", "slow 2");
  daemon_start(d);
  Entry entry = daemon_access(d, suite_client(*scene->suite, "plain"));
  check_at(page(entry).find("tiny session") != std::string::npos, "302 before the page is there: " + page(entry));
}

void idle_sessions_are_cleaned_up_and_used_ones_stay(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "IDLE_TIMEOUT_HOURS", "0.0015");  // 5.4 s
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "0.015");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string idle = suite_client(*scene->suite, "idle");
  std::string busy = suite_client(*scene->suite, "busy");
  Entry left = daemon_access(d, idle, "&width=800&height=600");
  Entry kept = daemon_access(d, busy, "&width=800&height=600");
  std::string pool = entry_of(daemon_status(d).records, "__pool__").id;
  bool cleaned = wait_until(20, [&] {
    check_number(daemon_get(d, access_path(busy, "&width=800&height=600")).status, 302, "access");
    return entry_find(daemon_status(d).records, idle) == nullptr;
  });
  check_at(cleaned, "the idle session stays");
  check_at(wait_until(10, [&] { return !exists(d, left.id); }), "its container stays");
  check_equal(daemon_access(d, busy, "&width=800&height=600").id, kept.id, "the used session");
  check_equal(entry_of(daemon_status(d).records, "__pool__").id, pool, "the pool is reserve, not idle");
  check_at(daemon_logs(d, {"[CLEANUP]", idle}), "[CLEANUP] does not name the client");
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(a_session_is_born_as_the_document_says),
      E2E_TEST(a_session_is_told_what_its_operator_set),
      E2E_TEST(sessions_share_the_certificate_of_the_installation),
      E2E_TEST(the_operators_certificate_is_the_only_one),
      E2E_TEST(an_access_to_a_living_session_reuses_it),
      E2E_TEST(another_size_is_another_container),
      E2E_TEST(the_smallest_and_largest_sizes_work),
      E2E_TEST(a_removed_session_is_gone_and_the_next_is_new),
      E2E_TEST(of_the_free_ports_the_one_free_for_longest_comes_first),
      E2E_TEST(remove_all_removes_clients_and_pool),
      E2E_TEST(removing_a_session_on_its_way_tells_those_who_wait),
      E2E_TEST(removing_at_once_leaves_nothing_behind),
      E2E_TEST(a_session_that_dies_is_seen_with_nobody_asking),
      E2E_TEST(an_access_right_after_a_death_gets_a_new_session),
      E2E_TEST(a_session_that_turns_unhealthy_is_kept_with_a_warning),
      E2E_TEST(who_hangs_up_finds_the_session_at_the_next_try),
      E2E_TEST(an_image_without_health_check_is_ready_when_it_answers),
      E2E_TEST(idle_sessions_are_cleaned_up_and_used_ones_stay),
  };
  return suite_main("session", tests);
}
