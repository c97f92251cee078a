// Who may come in by which route: pages of other sites, names that are not ours, and those who have always come.
#include <unistd.h>

#include "support/daemon.h"

namespace {

HttpReply get_with(const Daemon* d, const std::string& path, const Texts& headers) {
  HttpCall call = daemon_call(d, path);
  call.headers = headers;
  return http_call(call);
}

void other_sites_end_and_list_nothing(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  const std::string client = suite_client(*scene->suite, "sits");
  const Entry entry = daemon_access(d, client);
  const std::string own = "127.0.0.1:" + std::to_string(daemon_port(d));
  const std::vector<Texts> foreign = {
      {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"},
      {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"},
      {"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"},
      {"Origin: http://evil.test"},
      {"Origin: null"},
      {"Referer: http://evil.test/" + own},
      {"Referer: http://127.0.0.1:1/"},
      {"Sec-Fetch-Site: none", "Sec-Purpose: prefetch;prerender"},
      {"Host: evil.test"},
      {"Host: evil.test:" + std::to_string(daemon_port(d)), "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"},
      {"sec-fetch-SITE: cross-site"},
  };
  for (const Texts& headers : foreign) {
    for (const std::string& path : Texts{"/remove-all", "/remove?id=" + client, "/remove", "/status"}) {
      const HttpReply reply = get_with(d, path, headers);
      const std::string why = check_error(reply, 403);
      check_at(why.find("ALLOWED_HOSTS") != why.npos || why.find("curl") != why.npos || why.find("when it is wanted") != why.npos, why);
      check_at(reply.body.find(client) == reply.body.npos, "it tells who has a session");
    }
    check_number(get_with(d, "/health", headers).status, 200, "/health for " + headers[0]);
  }
  check_equal(entry_of(daemon_status(d).records, client).id, entry.id, "the session");
  check_at(daemon_logs_loudly(d, {"403 to 127.0.0.1 for GET /remove-all: Another site's page (evil.test)"}), "the log does not say so");
}

void whoever_came_before_comes_in(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "ALLOWED_HOSTS", "vnc.example.org, other.example.org:8443");
  daemon_start(d);
  const std::string own = "127.0.0.1:" + std::to_string(daemon_port(d));
  const std::vector<Texts> known = {
      {},  // curl
      {"Host: localhost"},
      {"Host: [::1]:8080"},
      {"Host: orchestrator:8080"},  // a service of docker compose
      {"Host: vnc.example.org"},
      {"Host: VNC.example.org:1234"},
      {"Host: other.example.org:8443"},
      {"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-User: ?1", "Sec-Fetch-Dest: document"},
      {"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Referer: https://vnc.example.org/menu"},
      {"Referer: http://" + own + "/status"},
      {"Referer: https://vnc.example.org/menu"},
  };
  for (const Texts& headers : known) {
    check_number(get_with(d, "/status", headers).status, 200, "/status for " + (headers.empty() ? "curl" : headers[0]));
    check_number(get_with(d, "/remove-all", headers).status, 200, "/remove-all for " + (headers.empty() ? "curl" : headers[0]));
  }
  check_error(get_with(d, "/status", {"Host: other.example.org:8080"}), 403);
  check_at(http_raw(daemon_port(d), "GET /status HTTP/1.0\r\n\r\n", 2000).rfind("HTTP/1.0 200", 0) == 0, "HTTP/1.0");
}

void a_session_is_for_who_follows_a_link(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  const std::string client = suite_client(*scene->suite, "guest");
  const std::vector<Texts> no_links = {
      {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"},
      {"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Origin: http://portal.test"},
      {"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Purpose: prefetch;prerender"},
      {"Purpose: prefetch"},
      {"X-Moz: prefetch"},
      {"Origin: http://portal.test"},
  };
  for (const Texts& headers : no_links) check_error(get_with(d, access_path(client), headers), 403);
  check_number(daemon_status(d).active, 0, "sessions");
  const std::vector<Texts> links = {
      {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Referer: https://portal.test/"},
      {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"},
      {"Referer: http://portal.test/"},
      {"Host: vnc.some.name"},
  };
  for (const Texts& headers : links) daemon_check_302(d, get_with(d, access_path(client), headers), client);
}

constexpr const char* kToken = "s3gr-0123456789-s3gr";

void without_the_token_nothing_but_sessions_is_to_be_had(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "ADMIN_TOKEN", kToken);
  daemon_start(d);
  const std::string client = suite_client(*scene->suite, "sits");
  check_number(daemon_get(d, access_path(client)).status, 302, "/access");
  check_number(daemon_get(d, "/health").status, 200, "/health");
  const std::string right = std::string("Authorization: Bearer ") + kToken;
  for (const Texts& headers : std::vector<Texts>{{}, {"Authorization: Bearer"}, {"Authorization: Bearer s3gr-0123456789-s3gR"}, {"Authorization: Basic " + std::string(kToken)},
                                                 {"Authorization: Bearer s3gr"}}) {
    for (const std::string& path : Texts{"/status", "/remove-all", "/remove?id=" + client, "/nothing"}) {
      const HttpReply reply = get_with(d, path, headers);
      check_error(reply, 401);
      check_equal(http_reply_header(reply, "www-authenticate"), "Bearer realm=\"vnc-orchestrator\"", "WWW-Authenticate");
    }
  }
  HttpReply reply = get_with(d, "/status", {right});
  check_at(reply.status == 200 && reply.body.find(client) != reply.body.npos, "/status: " + reply.body);
  check_at(reply.body.find("s3gr") == reply.body.npos, "/status shows the token");
  // A proxy that adds it for everybody's browser is no reason to do as other sites' pages say.
  check_error(get_with(d, "/remove-all", {right, "Sec-Fetch-Site: cross-site"}), 403);
  check_error(get_with(d, "/nothing", {right}), 404);
  reply = get_with(d, "/remove?id=" + client, {right});
  check_number(reply.status, 200, "/remove");
  daemon_stop(d);
  check_at(daemon_log(d).find("s3gr") == std::string::npos, "the log shows the token");
  check_at(daemon_log_count(d, "401 to 127.0.0.1 for GET /status: ") == 5, daemon_log_lines(d, "401"));

  Outcome outcome = daemon_run(d, {"--check-config"});
  check_at(outcome.status == 0 && (outcome.out + outcome.err).find("s3gr") == std::string::npos, outcome.out);
  check_at(outcome.out.find("ADMIN_TOKEN=***\n") != std::string::npos, outcome.out);
  daemon_set(d, "ADMIN_TOKEN", "s3gr");
  outcome = daemon_run(d, {});
  check_number(outcome.status, 2, "a token that is too short");
  check_at(outcome.err.find("ADMIN_TOKEN=***: must be 16 to 256") != std::string::npos && outcome.err.find("s3gr") == std::string::npos, outcome.err);
}

// What is answered at an entrance of administrators.
void check_two_entrances(Scene* scene, const HttpCall& admin) {
  Daemon* d = scene->daemon;
  const std::string client = suite_client(*scene->suite, "sits");
  const auto ask_admin = [&](const std::string& path) {
    HttpCall call = admin;
    call.url += path;
    return http_call(call);
  };
  check_number(daemon_get(d, access_path(client)).status, 302, "/access");
  check_number(daemon_get(d, "/health").status, 200, "/health");
  for (const std::string& path : Texts{"/status", "/remove-all", "/remove?id=" + client}) check_at(check_error(daemon_get(d, path), 403).find("ADMIN_LISTEN") != std::string::npos, path);
  const std::string known = check_error(daemon_get(d, "/nothing"), 404);
  check_at(known.find("/remove") == known.npos && known.find("/access") != known.npos, known);
  HttpReply reply = ask_admin("/status");
  check_at(reply.status == 200 && reply.body.find(client) != reply.body.npos, "/status: " + reply.error + reply.body);
  check_number(ask_admin("/health").status, 200, "/health of administrators");
  // One that waits: the answer finds its way to the entrance it came by.
  const std::string other = suite_client(*scene->suite, "other");
  std::future<HttpReply> waits = http_call_later([&] { HttpCall call = admin; call.url += access_path(other); return call; }());
  check_number(daemon_get(d, access_path(suite_client(*scene->suite, "third"))).status, 302, "/access meanwhile");
  check_number(waits.get().status, 302, "/access of administrators");
  reply = ask_admin("/remove-all");
  check_at(reply.status == 200 && reply.body.find("\"removed\": 3") != reply.body.npos, reply.body);
}

void administrators_have_a_port_of_their_own(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string place = "127.0.0.1:" + std::to_string(scene->suite->first_port + 50);
  daemon_set(d, "ADMIN_LISTEN", place);
  daemon_start(d);
  HttpCall admin;
  admin.url = "http://" + place;
  check_two_entrances(scene, admin);
  // Full of those who only hold connections, the other one keeps no administrator out.
  daemon_stop(d);
  daemon_set(d, "MAX_CONNECTIONS", "16");
  daemon_start(d);
  for (int i = 0; i < 40; i++) {
    const int fd = tcp_connect(daemon_port(d));
    scene->cleanups.push_back([fd] { tcp_close(fd); });
  }
  admin.url += "/status";
  check_number(http_call(admin).status, 200, "/status");
}

void administrators_have_a_socket_of_their_own(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string path = scene->suite->folder + "/admin";
  daemon_set(d, "ADMIN_LISTEN", "unix:" + path);
  daemon_start(d);
  HttpCall admin;
  admin.unix_socket = path;
  admin.url = "http://any.name.at.all";
  check_two_entrances(scene, admin);
  // Killed, it leaves its socket, which is in nobody's way; ended, it does not.
  daemon_kill9(d);
  daemon_start(d);
  admin.url += "/status";
  check_number(http_call(admin).status, 200, "/status after a kill");
  daemon_stop(d);
  check_at(access(path.c_str(), F_OK) != 0, "the socket is left");
}

}  // namespace

int main() {
  return suite_main("doors", {
                                 E2E_TEST(other_sites_end_and_list_nothing),
                                 E2E_TEST(whoever_came_before_comes_in),
                                 E2E_TEST(a_session_is_for_who_follows_a_link),
                                 E2E_TEST(without_the_token_nothing_but_sessions_is_to_be_had),
                                 E2E_TEST(administrators_have_a_port_of_their_own),
                                 E2E_TEST(administrators_have_a_socket_of_their_own),
                             });
}
