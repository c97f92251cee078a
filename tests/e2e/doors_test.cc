// Who may come in by which route: pages of other sites, names that are not ours, and those who have always come.
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

}  // namespace

int main() {
  return suite_main("doors", {
                                 E2E_TEST(other_sites_end_and_list_nothing),
                                 E2E_TEST(whoever_came_before_comes_in),
                                 E2E_TEST(a_session_is_for_who_follows_a_link),
                             });
}
