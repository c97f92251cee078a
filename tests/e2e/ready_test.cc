// /ready: 200 when somebody new could be served now, else why not; and that they come to what it says.
#include "support/daemon.h"
#include "support/engine_proxy.h"
#include "support/small_disk.h"

namespace {

void check_ready(const Daemon* d, const At& at = At::current()) {
  HttpReply reply;
  const bool ready = wait_until(20, [&] { return (reply = daemon_get(d, "/ready")).status == 200; });
  check_at(ready && json_text(json_from(reply.body).get(), "status") == "ready", std::to_string(reply.status) + " " + reply.error + reply.body, at);
}

void check_not_ready(const Daemon* d, const std::string& why, const At& at = At::current()) {
  HttpReply reply;
  const bool told = wait_until(20, [&] { return (reply = daemon_get(d, "/ready")).status == 503 && reply.body.find(why) != std::string::npos; });
  check_at(told, "not '" + why + "' but " + std::to_string(reply.status) + " " + reply.error + reply.body, at);
  check_error(reply, 503, at);
  check_equal(http_reply_header(reply, "retry-after"), "5", "Retry-After", at);
  check_number(daemon_get(d, "/health").status, 200, "/health", at);
}

void it_is_ready_with_and_without_a_pool(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  check_ready(d);
  check_number(http_call(daemon_call(d, "/ready", "HEAD")).status, 200, "HEAD");
  check_error(http_call(daemon_call(d, "/ready", "POST")), 405);
  check_number(static_cast<long>(daemon_containers(d).size()), 0, "containers made by asking");
  daemon_stop(d);
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  check_ready(d);
}

void a_missing_image_is_a_reason(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string image = "localhost/vnc-orchestrator-unready-" + std::to_string(scene->suite->block);
  daemon_set(d, "VNC_IMAGE", image + ":latest");
  daemon_start(d);
  check_not_ready(d, image + ":latest");
  check_number(engine_call(d->socket, "POST", "/images/" + std::string(kTinyImage) + "/tag?repo=" + image + "&tag=latest").status, 201, "docker tag");
  const std::string socket = d->socket;
  scene->cleanups.push_back([socket, image] { engine_call(socket, "DELETE", "/images/" + image + ":latest"); });
  check_ready(d);
  daemon_access(d, suite_client(*scene->suite, "guest"));
}

void an_engine_that_is_away_is_a_reason(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string path = scene->suite->folder + "/p";
  EngineProxy* proxy = engine_proxy_make(scene, path, scene->suite->socket);
  daemon_set(d, "DOCKER_HOST", "unix://" + path);
  engine_proxy_set(proxy, Wire::Refuse, Wire::Refuse);
  daemon_start(d);
  check_not_ready(d, "Not ready to serve yet");
  engine_proxy_set(proxy, Wire::Whole, Wire::Whole);
  check_ready(d);
  engine_proxy_set(proxy, Wire::Refuse, Wire::Refuse);
  check_not_ready(d, "engine cannot be reached");
  check_error(daemon_get(d, access_path(suite_client(*scene->suite, "guest"))), 503);
  engine_proxy_set(proxy, Wire::Whole, Wire::Whole);
  check_ready(d);
  daemon_access(d, suite_client(*scene->suite, "guest"));
}

void a_full_disk_is_a_reason(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string disk = d->folder + "/disk";
  small_disk_mount(scene, disk, DiskLacks::Blocks);
  daemon_set(d, "STATE_FILE", "disk/state.json");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  check_ready(d);
  small_disk_fill(disk, DiskLacks::Blocks);
  // It is known from the next write on, which is this one's.
  check_error(daemon_get(d, access_path(suite_client(*scene->suite, "guest"))), 503);
  check_not_ready(d, "No space left");
  small_disk_make_room(disk);
  check_ready(d);
}

void no_port_that_may_be_taken_is_a_reason(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "RECYCLE", "never");
  daemon_set_ports(d, 10, 1);
  daemon_start(d);
  check_ready(d);
  const std::string sits = suite_client(*scene->suite, "sits");
  daemon_access(d, sits);
  check_not_ready(d, "No port is free of 1");
  check_error(daemon_get(d, access_path(suite_client(*scene->suite, "guest"))), 503);
  check_number(daemon_get(d, "/remove?id=" + sits).status, 200, "/remove");
  check_ready(d);
}

}  // namespace

int main() {
  return suite_main("ready", {
                                 E2E_TEST(it_is_ready_with_and_without_a_pool),
                                 E2E_TEST(a_missing_image_is_a_reason),
                                 E2E_TEST(an_engine_that_is_away_is_a_reason),
                                 E2E_TEST(a_full_disk_is_a_reason),
                                 E2E_TEST(no_port_that_may_be_taken_is_a_reason),
                             });
}
