// SIGHUP: settings change while it runs, and nobody is thrown out.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "support/daemon.h"

namespace {

std::string text_of_status(Daemon* d, const std::string& name) { return json_text(json_from(daemon_get(d, "/status").body).get(), name.c_str()); }

std::string environment_of(Daemon* d, const std::string& id, const std::string& name) {
  JsonPtr seen = json_from(engine_call(d->socket, "GET", "/containers/" + id + "/json").body);
  size_t i = 0;
  json_t* line = nullptr;
  json_array_foreach(json_object_get(json_object_get(seen.get(), "Config"), "Env"), i, line) {
    const std::string text = json_string_value(line);
    if (text.starts_with(name + "=")) return text.substr(name.size() + 1);
  }
  return "";
}

void sessions_stay_and_new_ones_are_as_the_settings_are_now(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  const std::string ana = suite_client(*scene->suite, "ana"), bia = suite_client(*scene->suite, "bia");
  const Entry before = daemon_access(d, ana);
  daemon_wait_pool(d, 1);
  const std::string read_at = text_of_status(d, "settings_read_at"), since = text_of_status(d, "running_since");
  check_equal(read_at, since, "settings_read_at of the start");
  const std::string old_pool = entry_of(daemon_status(d).records, "__pool__").id;

  daemon_set(d, "VNC_APPNAME", "firefox-kiosk https://intranet.example");
  daemon_set(d, "VNC_WIDTH", "800");
  daemon_reload(d);
  check_at(daemon_logs(d, {"INFO", "[RELOAD]", "VNC_WIDTH: 410 -> 800"}), "the log does not say what has changed");
  check_at(text_of_status(d, "settings_read_at") > read_at, "settings_read_at stays as it was");
  check_equal(text_of_status(d, "running_since"), since, "running_since");
  check_equal(daemon_access(d, ana).id, before.id, "the session that was there");
  check_at(wait_until(30, [&] {
             const std::vector<Entry> records = daemon_status(d).records;
             const Entry* pool = entry_find(records, "__pool__");
             return pool != nullptr && pool->id != old_pool && pool->width == "800";
           }),
           "the pool is not made anew");
  daemon_wait_pool(d, 1);
  const Entry fresh = daemon_access(d, bia);
  check_equal(fresh.width, "800", "width of a new session");
  check_equal(environment_of(d, fresh.id, "APPNAME"), "firefox-kiosk https://intranet.example", "APPNAME of a new session");
  check_at(environment_of(d, before.id, "APPNAME") != environment_of(d, fresh.id, "APPNAME"), "the old session has the new command");
}

void a_bad_file_changes_nothing_and_says_why(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  const Entry before = daemon_access(d, suite_client(*scene->suite, "ana"));
  const std::string read_at = text_of_status(d, "settings_read_at");
  daemon_set(d, "WARM_POOL_SIZE", "many");
  daemon_set(d, "IDLE_TIMEOUT_HOURS", "1");
  daemon_reload(d);
  check_at(daemon_logs_loudly(d, {"[RELOAD] Nothing is changed", "WARM_POOL_SIZE=many"}), "the log does not say why");
  check_equal(text_of_status(d, "settings_read_at"), read_at, "settings_read_at");
  check_number(static_cast<long>(daemon_log_count(d, "IDLE_TIMEOUT_HOURS: ")), 0, "changes that were told");
  // Mended: all of it counts.
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_reload(d);
  check_at(daemon_logs(d, {"[RELOAD]", "IDLE_TIMEOUT_HOURS: 8 -> 1"}), "the mended file is not taken");
  daemon_wait_pool(d, 1);
  check_equal(daemon_access(d, before.client).id, before.id, "the session");
}

void what_waits_for_a_restart_says_so(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  const std::string port = d->settings["ORCHESTRATOR_PORT"], network = d->settings["DOCKER_NETWORK_NAME"];
  daemon_set(d, "ORCHESTRATOR_PORT", std::to_string(daemon_port(d) + 90));
  daemon_set(d, "DOCKER_NETWORK_NAME", network + "-other");
  daemon_set(d, "VNC_PIDS", "300");
  daemon_reload(d);
  daemon_set(d, "ORCHESTRATOR_PORT", port);
  daemon_set(d, "DOCKER_NETWORK_NAME", network);
  check_at(daemon_logs_loudly(d, {"[RELOAD] ORCHESTRATOR_PORT=", "waits for the next start"}), "the port is not told of");
  check_at(daemon_logs_loudly(d, {"[RELOAD] DOCKER_NETWORK_NAME=", "stays " + network}), "the network is not told of");
  check_at(daemon_logs(d, {"[RELOAD]", "VNC_PIDS: 1024 -> 300"}), "the rest is not taken");
  const Entry entry = daemon_access(d, suite_client(*scene->suite, "ana"));
  JsonPtr seen = json_from(engine_call(d->socket, "GET", "/containers/" + entry.id + "/json").body);
  check_number(json_integer_value(json_object_get(json_object_get(seen.get(), "HostConfig"), "PidsLimit")), 300, "PidsLimit of a new session");
}

void ports_move_when_nobody_sits_outside(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  const int first = daemon_first_slot(d);
  daemon_set_ports(d, 30, 3);
  daemon_reload(d);
  check_at(daemon_logs_loudly(d, {"[RELOAD] PORT_RANGE_MIN and PORT_RANGE_MAX stay " + std::to_string(first)}), "the log does not say that the range stays");
  check_number(daemon_status(d).max_slots, 4, "max_slots");
  check_number(daemon_get(d, "/remove?id=" + ana.client).status, 200, "/remove");
  daemon_reload(d);
  check_number(daemon_status(d).max_slots, 3, "max_slots when nobody is outside");
  const Entry again = daemon_access(d, ana.client);
  check_at(again.port >= daemon_first_slot(d), "the new session is on an old port");
}

void the_doors_and_the_log_follow(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  check_number(daemon_get(d, "/status").status, 200, "/status with no token set");
  const std::string path = daemon_log_path(d), moved = path + ".1";
  std::filesystem::rename(path, moved);  // as logrotate does
  daemon_set(d, "ADMIN_TOKEN", "0123456789abcdef0123");
  daemon_set(d, "LOG_LEVEL", "DEBUG");
  daemon_reload(d);
  check_number(daemon_get(d, "/status").status, 401, "/status without the token");
  check_at(file_text(path).find("[RELOAD] Settings read again") != std::string::npos, "the reload is not told in a new file");
  check_at(file_text(path).find("0123456789abcdef0123") == std::string::npos, "the token is in the log");
  HttpCall call = daemon_call(d, "/status");
  call.headers.push_back("Authorization: Bearer 0123456789abcdef0123");
  check_number(http_call(call).status, 200, "/status with the token");
  daemon_get(d, access_path(suite_client(*scene->suite, "ana")));
  check_at(daemon_logs(d, {"DEBUG [PORT]"}), "no line of the new level");
  daemon_set(d, "ADMIN_TOKEN", "");
  daemon_reload(d);
  check_number(daemon_get(d, "/status").status, 200, "/status with the token gone");
}

int pool_of(Daemon* d, const std::vector<std::string>& ids) {
  int there = 0;
  for (const Entry& one : daemon_status(d).records) there += one.client == "__pool__" && std::count(ids.begin(), ids.end(), one.id);
  return there;
}

void the_pool_is_replaced_one_by_one_and_a_bad_image_leaves_it(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "2");
  daemon_set_ports(d, 10, 5);
  daemon_start(d);
  daemon_wait_pool(d, 2);
  std::vector<std::string> old;
  for (const Entry& one : daemon_status(d).records) old.push_back(one.id);

  daemon_set(d, "VNC_IMAGE", "debian:bookworm-slim");  // its shell ends at once
  daemon_reload(d);
  check_at(daemon_logs_loudly(d, {"[POOL] The pool cannot be filled", "before it was ready"}), "the log does not say that the new ones fail");
  check_number(pool_of(d, old), 2, "pool containers left of those that serve");
  check_number(daemon_get(d, "/ready").status, 200, "/ready");
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  check_at(std::count(old.begin(), old.end(), ana.id) == 1, "a newcomer does not get one of those that serve");

  daemon_set(d, "VNC_IMAGE", kTinyImageNoHealth);
  daemon_reload(d);
  check_at(wait_until(30, [&] { return pool_of(d, old) == 0; }), "the pool is not made anew");
  daemon_wait_pool(d, 2);
  const std::string bia = daemon_access(d, suite_client(*scene->suite, "bia")).id;
  check_at(std::count(old.begin(), old.end(), bia) == 0, "a newcomer has the old image");
  check_equal(daemon_access(d, ana.client).id, ana.id, "the session that was there");
}

void another_image_under_the_same_name_gets_into_the_pool(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string name = "localhost/vnc-orchestrator-rollout-" + std::to_string(daemon_port(d));
  auto stands_for = [&](const char* image) {
    check_number(engine_call(d->socket, "POST", "/images/" + std::string(image) + "/tag?repo=" + name + "&tag=latest").status, 201, "tag");
  };
  auto image_of = [&](const std::string& id) { return json_text(json_from(engine_call(d->socket, "GET", "/containers/" + id + "/json").body).get(), "Image"); };
  stands_for(kTinyImage);
  daemon_set(d, "VNC_IMAGE", name + ":latest");
  daemon_set(d, "WARM_POOL_SIZE", "2");
  daemon_set_ports(d, 10, 6);
  daemon_start(d);
  daemon_wait_pool(d, 2);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  daemon_wait_pool(d, 2);
  std::vector<std::string> old;
  for (const Entry& one : daemon_status(d).records)
    if (one.client == "__pool__") old.push_back(one.id);
  daemon_reload(d);  // nothing is another: the pool stays
  stands_for(kTinyImageNoHealth);
  check_number(pool_of(d, old), 2, "pool containers before it is noticed");
  daemon_reload(d);
  check_at(wait_until(30, [&] { return pool_of(d, old) == 0; }), "the pool is not made anew");
  daemon_wait_pool(d, 2);
  check_at(daemon_logs(d, {"INFO [POOL] VNC_IMAGE stands for another image now"}), "the log does not say so");
  const Entry bia = daemon_access(d, suite_client(*scene->suite, "bia"));
  check_at(image_of(bia.id) != image_of(ana.id), "a newcomer has the old image");
  check_equal(daemon_access(d, ana.client).id, ana.id, "the session that was there");
  engine_call(d->socket, "DELETE", "/images/" + name + ":latest?noprune=1");
}

void reloads_in_a_storm_lose_nobody(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "2");
  daemon_set_ports(d, 10, 12);
  daemon_start(d);
  std::vector<std::future<HttpReply>> later;
  for (int i = 0; i < 8; i++) {
    HttpCall call = daemon_call(d, access_path(suite_client(*scene->suite, "c" + std::to_string(i))));
    call.timeout_ms = 60000;
    later.push_back(http_call_later(call));
    daemon_set(d, "VNC_HEIGHT", std::to_string(700 + i));
    kill(d->pid, SIGHUP);  // of the file as it was
    daemon_reload(d);
  }
  std::vector<HttpReply> replies;
  for (auto& one : later) replies.push_back(one.get());
  for (int i = 0; i < 8; i++) daemon_check_302(d, replies[static_cast<size_t>(i)], suite_client(*scene->suite, "c" + std::to_string(i)));
  daemon_wait_pool(d, 2);
}

}  // namespace

int main() {
  return suite_main("reload", {
                                  E2E_TEST(sessions_stay_and_new_ones_are_as_the_settings_are_now),
                                  E2E_TEST(a_bad_file_changes_nothing_and_says_why),
                                  E2E_TEST(what_waits_for_a_restart_says_so),
                                  E2E_TEST(ports_move_when_nobody_sits_outside),
                                  E2E_TEST(the_doors_and_the_log_follow),
                                  E2E_TEST(the_pool_is_replaced_one_by_one_and_a_bad_image_leaves_it),
                                  E2E_TEST(another_image_under_the_same_name_gets_into_the_pool),
                                  E2E_TEST(reloads_in_a_storm_lose_nobody),
                              });
}
