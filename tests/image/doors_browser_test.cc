// Pages of other sites in a real browser: what they try to have it ask of the daemon, and what comes of it. The sessions are tiny.
#include <memory>

#include "support/daemon.h"
#include "support/page_server.h"
#include "support/proc.h"
#include "support/webdriver.h"

namespace {

struct Desk {
  PageServerPtr pages;
  BrowserPtr browser;
};

std::shared_ptr<Desk> desk_at(Scene* scene, const std::string& address) {
  auto desk = std::make_shared<Desk>();
  scene->cleanups.push_back([desk] {
    desk->browser.reset();
    desk->pages.reset();
  });
  desk->pages = page_server_start(address);
  check_at(desk->pages != nullptr, "cannot listen on " + address);
  return desk;
}

std::string url_of(const Daemon* d, const std::string& host, const std::string& path) {
  return "http://" + host + ":" + std::to_string(daemon_port(d)) + path;
}

// Whatever a page can do without being asked, aimed at these URLs. When all of it has come to an end, its title is "done".
Page page_that_tries(const Texts& urls, const std::string& link) {
  Page page;
  page.body = "<!doctype html><title>busy</title><a id=link style='display:block;font-size:40px' href='" + link +
              "'>link</a><script>const waits = [];\n";
  for (const std::string& url : urls) {
    const std::string u = "'" + url + "'";
    page.body += "waits.push(fetch(" + u + ", {mode: 'no-cors'}).catch(() => 0), fetch(" + u + ").catch(() => 0), fetch(" + u +
                 ", {method: 'POST', mode: 'no-cors'}).catch(() => 0), fetch(" + u + ", {mode: 'no-cors', referrerPolicy: 'no-referrer'}).catch(() => 0));\n"
                 "waits.push(new Promise(done => { const i = new Image(); i.onload = i.onerror = done; i.src = " + u + "; }));\n"
                 "waits.push(new Promise(done => { const s = document.createElement('script'); s.onload = s.onerror = done; s.src = " + u +
                 "; document.head.append(s); }));\n"
                 "navigator.sendBeacon(" + u + ");\n"
                 "waits.push(new Promise(done => { const l = document.createElement('link'); l.rel = 'prefetch'; l.onload = l.onerror = done; l.href = " + u +
                 "; document.head.append(l); }));\n"
                 "{ const f = document.createElement('form'); f.method = 'POST'; f.action = " + u +
                 "; const n = document.createElement('iframe'); n.name = f.target = f.action; document.body.append(n, f); f.submit(); }\n";
  }
  page.body += "Promise.all(waits).then(() => { document.title = 'done'; });</script>";
  return page;
}

void visit(Desk* desk, const Page& page) {
  page_server_set(desk->pages.get(), "/", page);
  desk->browser = browser_open(700, 500);
  browser_go(desk->browser.get(), page_server_url(desk->pages.get(), "/"));
  check_at(wait_until(30, [&] { return browser_script(desk->browser.get(), "return document.title") == "done"; }), "the page is not done");
}

void follow_link(Desk* desk) {
  browser_script(desk->browser.get(), "document.getElementById('link').click()");
}

// To the browser localhost and 127.0.0.1 are two sites, another port of 127.0.0.1 another origin of one site.
void try_from_the_page_at(Scene* scene, const std::string& host) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  auto desk = desk_at(scene, "127.0.0.1");
  const std::string ana = suite_client(*scene->suite, "ana"), bruno = suite_client(*scene->suite, "bruno");
  const Entry entry = daemon_access(d, ana);
  visit(desk.get(), page_that_tries({url_of(d, host, "/remove-all"), url_of(d, host, "/remove?id=" + ana), url_of(d, host, "/status"),
                                     url_of(d, host, access_path(bruno))},
                                    url_of(d, host, access_path(ana))));
  // Three ways to fetch, a picture, a script, a link's target beforehand; a form, a beacon, a fetch that posts.
  for (const char* path : {"/remove-all", "/remove", "/status", "/access"}) {
    const std::string by_get = std::string("403 to 127.0.0.1 for GET ") + path + ": ", by_post = std::string("405 to 127.0.0.1 for POST ") + path + ": ";
    check_at(wait_until(10, [&] { return daemon_log_count(d, by_get) >= 6 && daemon_log_count(d, by_post) >= 3; }),
             std::string(path) + " was refused " + std::to_string(daemon_log_count(d, by_get)) + " times by GET, " +
                 std::to_string(daemon_log_count(d, by_post)) + " by POST");
  }
  const Status status = daemon_status(d);
  check_number(status.active, 1, "sessions");
  check_equal(entry_of(status.records, ana).id, entry.id, "Ana's session");

  follow_link(desk.get());
  const std::string session = "http://127.0.0.1:" + std::to_string(entry.port) + "/";
  check_at(wait_until(20, [&] { return browser_url(desk->browser.get()) == session; }), "the link leads to " + browser_url(desk->browser.get()));
}

void a_page_of_another_site_can_only_link(Scene* scene) { try_from_the_page_at(scene, "localhost"); }
void a_page_of_another_port_can_only_link(Scene* scene) { try_from_the_page_at(scene, "127.0.0.1"); }

// A link to /remove-all that somebody is made to click, or a page that goes there by itself.
void a_link_ends_no_session(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  auto desk = desk_at(scene, "127.0.0.1");
  const std::string ana = suite_client(*scene->suite, "ana");
  const Entry entry = daemon_access(d, ana);
  visit(desk.get(), page_that_tries({}, url_of(d, "localhost", "/remove-all")));
  follow_link(desk.get());
  std::string shown;
  check_at(wait_until(20, [&] { return (shown = browser_script(desk->browser.get(), "return document.body.innerText")).find("Another site") != shown.npos; }),
           "the link shows: " + shown);
  check_equal(entry_of(daemon_status(d).records, ana).id, entry.id, "Ana's session");
}

void a_portal_shows_a_session_in_a_frame(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  auto desk = desk_at(scene, "127.0.0.1");
  const std::string carla = suite_client(*scene->suite, "carla");
  Page page;
  page.body = "<!doctype html><title>busy</title><iframe onload='document.title = \"done\"' src='" + url_of(d, "localhost", access_path(carla)) + "'></iframe>";
  visit(desk.get(), page);
  entry_of(daemon_status(d).records, carla);
}

// As an administrator does it.
void an_address_typed_into_the_browser_works(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  auto desk = desk_at(scene, "127.0.0.1");
  const std::string ana = suite_client(*scene->suite, "ana");
  daemon_access(d, ana);
  desk->browser = browser_open(700, 500);
  const auto shown_at = [&](const std::string& path) {
    browser_go(desk->browser.get(), url_of(d, "localhost", path));
    return browser_script(desk->browser.get(), "return document.body.innerText");
  };
  std::string shown = shown_at("/status");
  check_at(shown.find(ana) != shown.npos, "/status shows " + shown);
  shown = browser_script(desk->browser.get(),
                         "const x = new XMLHttpRequest(); x.open('GET', '/status', false); x.send(); return x.status + x.responseText");
  check_at(shown.starts_with("200") && shown.find(ana) != shown.npos, "/status told a page of ours " + shown);
  shown = shown_at("/remove?id=" + ana);
  check_at(shown.find("removed") != shown.npos, "/remove shows " + shown);
  check_number(daemon_status(d).active, 0, "sessions");
}

// Over plain http to an address other than localhost browsers send no Sec-Fetch-*: there the Referer and Origin tell.
void over_plain_http_a_page_can_only_link(Scene* scene) {
  const Suite& suite = *scene->suite;
  const std::string gateway = suite.subnet.substr(0, suite.subnet.rfind('.')) + ".1";
  if (proc_run({"docker", "network", "inspect", suite.network}).status != 0)
    proc_output({"docker", "network", "create", "--subnet", suite.subnet, "--gateway", gateway, suite.network});
  Daemon* d = scene->daemon;
  daemon_set(d, "ORCHESTRATOR_HOST", "0.0.0.0");
  daemon_start(d);
  auto desk = desk_at(scene, gateway);
  const std::string ana = suite_client(suite, "ana");
  const Entry entry = daemon_access(d, ana);
  Page page;
  page.body = "<!doctype html><title>busy</title><a id=link href='" + url_of(d, gateway, access_path(ana)) +
              "'>link</a><script>const end = new Image(); end.onload = end.onerror = () => fetch('" + url_of(d, gateway, "/status") +
              "').catch(() => { document.title = 'done'; }); end.src = '" + url_of(d, gateway, "/remove-all") + "';</script>";
  visit(desk.get(), page);
  for (const char* path : {"/remove-all", "/status"})
    check_at(wait_until(10, [&] { return daemon_log_count(d, std::string(" for GET ") + path + ": Another site's page (" + gateway) == 1; }),
             std::string(path) + " was not refused:\n" + daemon_log_lines(d, "HTTP") + daemon_log_lines(d, "403"));
  check_equal(entry_of(daemon_status(d).records, ana).id, entry.id, "Ana's session");
  follow_link(desk.get());
  const std::string session = "http://127.0.0.1:" + std::to_string(entry.port) + "/";
  check_at(wait_until(20, [&] { return browser_url(desk->browser.get()) == session; }), "the link leads to " + browser_url(desk->browser.get()));
}

}  // namespace

int main() {
  return suite_main("doors_browser", {
                                         E2E_TEST(a_page_of_another_site_can_only_link),
                                         E2E_TEST(a_page_of_another_port_can_only_link),
                                         E2E_TEST(a_link_ends_no_session),
                                         E2E_TEST(a_portal_shows_a_session_in_a_frame),
                                         E2E_TEST(an_address_typed_into_the_browser_works),
                                         E2E_TEST(over_plain_http_a_page_can_only_link),
                                     });
}
