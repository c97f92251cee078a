// /drain and /undrain: no session begins and none ends, whatever becomes of the daemon meanwhile.
#include <sys/stat.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/small_disk.h"

namespace {

void check_drained(const HttpReply& reply, const std::string& status, long sessions, const At& at = At::current()) {
  check_number(reply.status, 200, "answer: " + reply.body, at);
  const JsonPtr json = json_from(reply.body);
  check_equal(json_text(json.get(), "status"), status, "status", at);
  check_number(json_integer_value(json_object_get(json.get(), "sessions")), sessions, "sessions", at);
}

bool is_draining(const Daemon* d) {
  return json_is_string(json_object_get(json_from(daemon_get(d, "/status").body).get(), "draining_since"));
}

void check_nobody_new(const Daemon* d, const std::string& client, const At& at = At::current()) {
  for (const char* size : {"", "&width=640&height=480"}) {
    const HttpReply reply = daemon_get(d, access_path(client, size));
    const std::string text = check_error(reply, 503, at);
    check_at(text.find("maintenance") != std::string::npos, text, at);
    check_equal(http_reply_header(reply, "retry-after"), "60", "Retry-After", at);
  }
  check_at(check_error(daemon_get(d, "/ready"), 503, at).find("maintenance") != std::string::npos, "/ready", at);
  check_number(daemon_get(d, "/health").status, 200, "/health", at);
  check_at(is_draining(d), "/status", at);
  check_at(daemon_get(d, "/metrics").body.find("\nvnc_orchestrator_draining 1\n") != std::string::npos, "/metrics", at);
}

void sessions_go_on_and_none_begins_also_after_a_kill(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  const std::string ana = suite_client(*scene->suite, "ana"), bia = suite_client(*scene->suite, "bia");
  const Entry sits = daemon_access(d, ana, "&width=800&height=600");
  const size_t containers = daemon_containers(d).size();
  check_at(!is_draining(d), "draining from the start");
  check_drained(daemon_get(d, "/drain"), "draining", 1);
  for (int start = 0; start < 2; ++start) {
    check_nobody_new(d, bia);
    check_equal(daemon_access(d, ana).id, sits.id, "container");
    check_equal(daemon_access(d, ana, "&width=1024&height=768").id, sits.id, "container, another size being asked for");
    check_number(static_cast<long>(daemon_containers(d).size()), static_cast<long>(containers), "containers");
    if (start > 0) break;
    daemon_kill9(d);
    daemon_start(d);
    daemon_wait_reconciled(d);
  }
  check_drained(daemon_get(d, "/drain"), "draining", 1);  // once more changes nothing
  check_drained(daemon_get(d, "/undrain"), "serving", 1);
  check_drained(daemon_get(d, "/undrain"), "serving", 1);
  check_at(!is_draining(d), "draining still");
  daemon_access(d, bia);
  daemon_kill9(d);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(!is_draining(d), "draining again");
}

void many_orders_at_once_leave_file_and_daemon_alike(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  for (int round = 0; round < 5; ++round) {
    std::vector<std::future<HttpReply>> replies;
    for (int i = 0; i < 8; ++i) replies.push_back(http_call_later(daemon_call(d, i % 2 == 0 ? "/drain" : "/undrain")));
    for (std::future<HttpReply>& reply : replies) check_number(reply.get().status, 200, "answer");
    check_at((access((daemon_state_path(d) + ".drain").c_str(), F_OK) == 0) == is_draining(d), "the file says one thing, the daemon another");
  }
}

void what_cannot_be_kept_is_not_begun(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string disk = d->folder + "/disk";
  small_disk_mount(scene, disk, DiskLacks::Inodes);
  daemon_set(d, "STATE_FILE", "disk/state.json");
  daemon_start(d);
  daemon_wait_reconciled(d);
  small_disk_fill(disk, DiskLacks::Inodes);
  const std::string text = check_error(daemon_get(d, "/drain"), 500);
  check_at(text.find("state.json.drain: No space left") != std::string::npos, text);
  check_at(!is_draining(d), "draining all the same");
  check_at(daemon_log(d).find("ERROR [DRAIN]") != std::string::npos, "the log says nothing");
}

void it_is_an_administrators_order(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "ADMIN_TOKEN", "0123456789abcdef");
  daemon_start(d);
  for (const char* path : {"/drain", "/undrain"}) {
    check_error(daemon_get(d, path), 401);
    HttpCall foreign = daemon_call(d, path);
    foreign.headers = {"Authorization: Bearer 0123456789abcdef", "Sec-Fetch-Site: cross-site"};
    check_error(http_call(foreign), 403);
    foreign.headers.pop_back();
    check_number(http_call(foreign).status, 200, path);
  }
}

}  // namespace

int main() {
  return suite_main("drain", {
                                 E2E_TEST(sessions_go_on_and_none_begins_also_after_a_kill),
                                 E2E_TEST(many_orders_at_once_leave_file_and_daemon_alike),
                                 E2E_TEST(what_cannot_be_kept_is_not_begun),
                                 E2E_TEST(it_is_an_administrators_order),
                             });
}
