// What a page in a session, with the session's own Firefox, reaches besides itself: other sessions, the orchestrator and whatever else this machine serves
// by any of its addresses, and a cloud's metadata. Without the firewall all of it, with it nothing.
#include <map>
#include <memory>

#include "support/daemon.h"
#include "support/neighbours.h"
#include "support/page_server.h"
#include "support/proc.h"

namespace {

constexpr const char* kMetadata = "169.254.170.2";  // Amazon's, of a container's credentials

std::string url_at(const std::string& address, int port) { return "http://" + address + ":" + std::to_string(port) + "/"; }

std::string gateway_of(const Suite& suite) { return suite.subnet.substr(0, suite.subnet.rfind('.')) + ".1"; }

// On the sessions' gateway, which has to be there before any session is.
std::shared_ptr<PageServerPtr> pages_at(Scene* scene) {
  const Suite& suite = *scene->suite;
  if (proc_run({"docker", "network", "inspect", suite.network}).status != 0)
    proc_output({"docker", "network", "create", "--subnet", suite.subnet, "--gateway", gateway_of(suite), "-o", "com.docker.network.bridge.enable_icc=false", suite.network});
  auto pages = std::make_shared<PageServerPtr>(page_server_start(gateway_of(suite)));
  scene->cleanups.emplace_back([pages] { pages->reset(); });
  check_at(*pages != nullptr, "cannot listen on " + gateway_of(suite));
  return pages;
}

// Asks for each of the URLs that /urls has, and tells of each what came of it.
Page page_that_asks() {
  Page page;
  page.body =
      "<!doctype html><title>asks</title><script>\n"
      "const told = text => fetch('/told', {method: 'POST', body: text});\n"
      "const ask = url => fetch(url, {mode: 'no-cors', cache: 'no-store', signal: AbortSignal.timeout(6000)}).then(\n"
      "    () => told(url + ' reached'), error => told(url + (error.name === 'TimeoutError' ? ' silent' : ' refused')));\n"
      "fetch('/urls').then(answer => answer.json()).then(urls => Promise.all(urls.map(ask))).then(() => told('done'), error => told('ERROR ' + error));\n"
      "</script>";
  return page;
}

// What a new client's browser is told of each URL. The session ends with it: connections that it has made are its own.
std::map<std::string, std::string> asked_by(Daemon* d, PageServer* pages, const std::string& name, const Texts& urls) {
  Page list;
  list.type = "application/json";
  for (const std::string& url : urls) list.body += (list.body.empty() ? "[\"" : ",\"") + url + "\"";
  list.body += "]";
  page_server_set(pages, "/urls", list);
  const size_t before = page_server_requests(pages, "/told").size();
  const std::string client = suite_client(*d->scene->suite, name);
  daemon_access(d, client);
  std::map<std::string, std::string> said;
  std::string all;
  const bool done = wait_until(40, [&] {
    said.clear();
    all.clear();
    const std::vector<PageRequest> told = page_server_requests(pages, "/told");
    for (size_t i = before; i < told.size(); ++i) {
      all += told[i].body + "\n";
      if (const size_t blank = told[i].body.find(' '); blank != std::string::npos) said[told[i].body.substr(0, blank)] = told[i].body.substr(blank + 1);
    }
    return all.find("done") != std::string::npos;
  });
  check_at(done, "the page of " + name + " is not done, told was:\n" + all);
  daemon_get(d, "/remove?id=" + client);
  return said;
}

void a_page_reaches_nothing_of_this_machine_but_what_is_allowed(Scene* scene) {
  Daemon* d = scene->daemon;
  const Suite& suite = *scene->suite;
  auto pages = pages_at(scene), others = pages_at(scene);
  const std::string page = page_server_url(pages->get(), "/"), other = page_server_url(others->get(), "/");
  const std::string world = url_at(outside_world(suite), kOutsidePort);
  outside_make(scene, {kMetadata});
  page_server_set(pages->get(), "/", page_that_asks());
  Page none;
  none.type = "application/json";
  none.body = "[]";
  page_server_set(pages->get(), "/urls", none);

  const char* image = getenv("SESSION_IMAGE");
  daemon_set(d, "VNC_IMAGE", image == nullptr ? "localhost/vnc-orchestrator-session:latest" : image);
  daemon_set(d, "VNC_APPNAME", "firefox-kiosk " + page);
  daemon_set(d, "READY_TIMEOUT_SECONDS", "90");
  daemon_set(d, "VNC_BIND", "0.0.0.0");
  daemon_set(d, "ORCHESTRATOR_HOST", "0.0.0.0");
  daemon_start(d);
  const Entry neighbour = daemon_access(d, suite_client(suite, "bruno"));
  Texts walled = {url_at(kMetadata, kOutsidePort), other};
  const Texts addresses = host_addresses(suite);
  check_at(addresses.size() >= 2, "this machine has hardly an address");
  for (const std::string& address : addresses)
    for (const int port : {neighbour.port, daemon_port(d)}) walled.push_back(url_at(address, port));
  Texts all = walled;
  all.push_back(world);
  std::map<std::string, std::string> said = asked_by(d, pages->get(), "ana", all);
  for (const std::string& url : all) check_equal(said[url], "reached", "without a firewall " + url);

  daemon_set(d, "FIREWALL", "on");
  daemon_set(d, "SESSION_ALLOW", page.substr(7, page.find('/', 7) - 7));
  daemon_reload(d);
  check_at(wait_until(10, [&] { return daemon_get(d, "/status").body.find("\"firewall\": \"on\"") != std::string::npos; }), "no firewall: " + daemon_get(d, "/status").body);
  said = asked_by(d, pages->get(), "carla", all);
  for (const std::string& url : walled) check_equal(said[url], "refused", url);
  check_equal(said[world], "reached", "the rest of the world, " + world);
  HttpCall call;
  call.url = url_at("127.0.0.1", neighbour.port);
  check_number(http_call(call).status, 200, "the neighbour's screen, to those who watch");
}

}  // namespace

int main() {
  return suite_main("neighbours", {
                                      E2E_TEST(a_page_reaches_nothing_of_this_machine_but_what_is_allowed),
                                  });
}
