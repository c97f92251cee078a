// The whole way that a person goes: the link of /access in a real browser, a session of the real image behind it, typing, and pixels that change.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "support/daemon.h"
#include "support/page_server.h"
#include "support/png.h"
#include "support/proc.h"
#include "support/suite.h"
#include "support/webdriver.h"

namespace {

constexpr unsigned kBlue = 0x1e90ff;
constexpr unsigned kGreen = 0x20c040;

// What a test holds beside its scene; given back by the scene's cleanups, since a failed assert jumps over destructors.
struct Desk {
  PageServerPtr pages;
  BrowserPtr browser;
  BrowserPtr next;  // of who comes after
  BrowserPtr cut;   // at the end of a cable
};

void keep(const char* name, const Picture& picture) { png_write(std::string("tests/out/access/") + name + ".png", picture); }

// The session network is made beforehand, so that the page server can listen on the host's address in it.
std::shared_ptr<Desk> desk_at(Scene* scene) {
  const Suite& suite = *scene->suite;
  std::string gateway = suite.subnet.substr(0, suite.subnet.rfind('.')) + ".1";
  if (proc_run({"docker", "network", "inspect", suite.network}).status != 0)
    proc_output({"docker", "network", "create", "--subnet", suite.subnet, "--gateway", gateway, suite.network});
  auto desk = std::make_shared<Desk>();
  scene->cleanups.push_back([desk] {
    desk->browser.reset();
    desk->next.reset();
    desk->cut.reset();
    desk->pages.reset();
  });
  desk->pages = page_server_start(gateway);
  check_at(desk->pages != nullptr, "cannot listen on " + gateway);
  Daemon* daemon = scene->daemon;
  daemon_set(daemon, "VNC_IMAGE", "localhost/vnc-orchestrator-session:latest");
  daemon_set(daemon, "VNC_APPNAME", "firefox-kiosk " + page_server_url(desk->pages.get(), "/"));
  daemon_set(daemon, "VNC_SCHEME", "https");
  daemon_set(daemon, "READY_TIMEOUT_SECONDS", "90");
  return desk;
}

std::string access_url(Daemon* daemon, const std::string& client, const std::string& query) {
  return "http://127.0.0.1:" + std::to_string(daemon_port(daemon)) + access_path(client, query);
}

void wait_blue(Browser* browser, const char* name, const At& at = At::current()) {
  Picture picture;
  bool seen = wait_until(90, [&] { return picture_share(picture = browser_screenshot(browser), kBlue) > 0.3; });
  keep(name, picture);
  check_at(seen, std::string("the page does not show (") + name + ")", at);
}

// Opens the link and waits until the session's page is to be seen; how long that took is printed, not judged.
void open_link(Scene* scene, Desk* desk, const char* how, const std::string& client, const std::string& query) {
  desk->browser = browser_open(900, 800);
  double start = now_seconds();
  std::string url = access_url(scene->daemon, client, query);
  browser_go(desk->browser.get(), url);
  wait_blue(desk->browser.get(), how);
  double took = now_seconds() - start;
  print_message("from /access to the painted page, %s: %.2f s\n", how, took);
}

void type_and_see(Desk* desk, const char* how, const std::string& text) {
  Browser* browser = desk->browser.get();
  PictureBox box;
  Picture picture = browser_screenshot(browser);
  check_at(picture_find(picture, kBlue, 8, &box), "the page is not to be seen");
  browser_click(browser, (box.left + box.right) / 2, box.top > 10 ? box.top - 10 : 10);
  browser_type(browser, text);
  bool changed = wait_until(30, [&] {
    picture = browser_screenshot(browser);
    return picture_share(picture, kGreen) > 0.3;
  });
  keep(how, picture);
  check_at(changed, "the pixels do not change with what is typed");
  std::vector<PageRequest> typed = page_server_requests(desk->pages.get(), "/typed");
  check_at(!typed.empty(), "nothing typed came to the page's server");
  check_equal(typed.back().body, text, "what the page's server got");
}

void a_link_from_the_pool_opens_a_session_to_type_in(Scene* scene) {
  auto desk = desk_at(scene);
  const std::string text = "CPF 111, boa tarde";
  page_server_set(desk->pages.get(), "/", page_with_input("pool", kBlue, kGreen, text, "/typed"));
  daemon_set(scene->daemon, "WARM_POOL_SIZE", "1");
  daemon_set_ports(scene->daemon, 10, 1);
  daemon_start(scene->daemon);
  daemon_wait_pool(scene->daemon, 1);
  std::string client = suite_client(*scene->suite, "ana");
  open_link(scene, desk.get(), "pool", client, "");
  type_and_see(desk.get(), "pool-typed", text);
  Status status = daemon_status(scene->daemon);
  check_number(status.active, 1, "one session");
  check_equal(status.records.at(0).client, client, "its client");
}

void a_cold_link_opens_a_session_of_the_size_asked_for(Scene* scene) {
  auto desk = desk_at(scene);
  const std::string text = "frio 123";
  page_server_set(desk->pages.get(), "/", page_with_input("cold", kBlue, kGreen, text, "/typed"));
  daemon_start(scene->daemon);
  daemon_wait_reconciled(scene->daemon);
  open_link(scene, desk.get(), "cold", suite_client(*scene->suite, "bruno"), "&width=800&height=700");
  type_and_see(desk.get(), "cold-typed", text);
}

// With nothing set, as most installations run: browsers know one certificate, whatever port they are sent to, so that an old tab hears from
// the session that has followed on its port that it is not its own. Neither browser would take any other certificate.
void an_old_tab_hears_that_its_session_has_ended(Scene* scene) {
  auto desk = desk_at(scene);
  page_server_set(desk->pages.get(), "/", page_with_input("old tab", kBlue, kGreen, "x", "/typed"));
  Daemon* daemon = scene->daemon;
  daemon_set_ports(daemon, 10, 1);
  daemon_start(daemon);
  daemon_wait_reconciled(daemon);
  std::string key_hash = proc_output({"sh", "-c",
                                      "openssl x509 -in '" + daemon_state_path(daemon) +
                                          ".certificate.pem' -noout -pubkey | openssl pkey -pubin -outform der |"
                                          " openssl dgst -sha256 -binary | base64"});
  std::string ana = suite_client(*scene->suite, "ana");
  desk->browser = browser_open_trusting(900, 800, key_hash);
  browser_go(desk->browser.get(), access_url(daemon, ana, ""));
  wait_blue(desk->browser.get(), "old-tab-before");
  std::string url = browser_url(desk->browser.get());
  check_number(daemon_get(daemon, "/remove?id=" + ana).status, 200, "/remove");

  desk->next = browser_open_trusting(900, 800, key_hash);
  browser_go(desk->next.get(), access_url(daemon, suite_client(*scene->suite, "bruno"), ""));
  wait_blue(desk->next.get(), "old-tab-bruno");
  check_equal(browser_url(desk->next.get()), url, "the one port there is");
  std::string notice;
  bool told = wait_until(20, [&] {
    notice = browser_script(desk->browser.get(), "return document.getElementById('notice').innerText");
    return notice.find("Esta sessão terminou.") != std::string::npos;
  });
  Picture picture = browser_screenshot(desk->browser.get());
  keep("old-tab", picture);
  check_at(told, "the old tab says: " + notice);
  check_at(picture_share(picture, kBlue) == 0, "the old tab shows the session that has followed");
}

// ---- Who works on is not thrown out. Nothing is set for that: so every installation behaves.

int viewers_of(Daemon* daemon, const std::string& client) { return entry_of(daemon_status(daemon).records, client).viewers; }

void wait_viewers(Daemon* daemon, const std::string& client, int count, double seconds, const At& at = At::current()) {
  check_at(wait_until(seconds, [&] { return viewers_of(daemon, client) == count; }), "viewers of " + client + ": " + std::to_string(viewers_of(daemon, client)), at);
}

bool is_connected(Browser* browser) { return browser_script(browser, "return document.documentElement.dataset.state") == "connected"; }

// Two ports: Ana works in hers since the morning, Bruno's link was opened later and nobody looks.
void a_full_house_keeps_those_who_work(Scene* scene) {
  auto desk = desk_at(scene);
  page_server_set(desk->pages.get(), "/", page_with_input("house", kBlue, kGreen, "x", "/typed"));
  Daemon* daemon = scene->daemon;
  daemon_set_ports(daemon, 10, 2);
  daemon_start(daemon);
  daemon_wait_reconciled(daemon);
  const std::string ana = suite_client(*scene->suite, "ana"), bruno = suite_client(*scene->suite, "bruno"), carla = suite_client(*scene->suite, "carla"),
                    dora = suite_client(*scene->suite, "dora");
  desk->browser = browser_open(900, 800);
  browser_go(desk->browser.get(), access_url(daemon, ana, ""));
  wait_blue(desk->browser.get(), "house-ana");
  Entry kept = entry_of(daemon_status(daemon).records, ana);
  daemon_access(daemon, bruno);
  wait_viewers(daemon, ana, 1, 15);

  Entry taken = daemon_access(daemon, carla);
  check_equal(entry_of(daemon_status(daemon).records, ana).id, kept.id, "Ana's session");
  check_at(entry_find(daemon_status(daemon).records, bruno) == nullptr, "nobody had to go");
  check_at(is_connected(desk->browser.get()), "Ana was thrown out");
  desk->next = browser_open(900, 800);
  browser_go(desk->next.get(), access_url(daemon, carla, ""));
  wait_blue(desk->next.get(), "house-carla");
  wait_viewers(daemon, carla, 1, 15);

  // All are watched: the newcomer is asked to wait, a restart changes nothing about that.
  for (int round = 0; round < 2; ++round) {
    HttpReply full = daemon_get(daemon, access_path(dora));
    check_error(full, 503);
    check_at(!http_reply_header(full, "retry-after").empty() && full.body.find("2 of them watched") != std::string::npos, full.body);
    check_at(is_connected(desk->browser.get()) && is_connected(desk->next.get()), "somebody was thrown out");
    if (round > 0) break;
    daemon_stop(daemon);
    daemon_start(daemon);
    daemon_wait_reconciled(daemon);
  }

  // Carla's browser ends without a word; her port is Dora's as soon as a look has seen it.
  double gone = now_seconds();
  quiet_net_signal(desk->next->net.get(), SIGKILL);
  check_at(wait_until(30, [&] { return daemon_get(daemon, access_path(dora)).status == 302; }), "the port of a browser that was killed stays taken");
  print_message("killed browser to its port given on: %.1f s\n", now_seconds() - gone);
  check_equal(entry_of(daemon_status(daemon).records, ana).id, kept.id, "Ana's session");
  check_at(is_connected(desk->browser.get()), "Ana was thrown out");
  check_at(entry_find(daemon_status(daemon).records, carla) == nullptr, "whose port was it? " + taken.id);
}

// Whoever still has a connection and no life in it keeps no port for good, nor does who works lose hers: a browser that hangs, and one whose
// line was cut.
void a_browser_that_hangs_or_is_cut_off_keeps_no_port(Scene* scene) {
  auto desk = desk_at(scene);
  page_server_set(desk->pages.get(), "/", page_with_input("half dead", kBlue, kGreen, "x", "/typed"));
  Daemon* daemon = scene->daemon;
  daemon_set(daemon, "VNC_BIND", "0.0.0.0");
  daemon_set_ports(daemon, 10, 3);
  daemon_start(daemon);
  daemon_wait_reconciled(daemon);
  const std::string ana = suite_client(*scene->suite, "ana"), bruno = suite_client(*scene->suite, "bruno"), carla = suite_client(*scene->suite, "carla"),
                    dora = suite_client(*scene->suite, "dora"), eva = suite_client(*scene->suite, "eva");
  desk->browser = browser_open(900, 800);
  browser_go(desk->browser.get(), access_url(daemon, ana, ""));
  wait_blue(desk->browser.get(), "half-dead-ana");
  const Entry kept = entry_of(daemon_status(daemon).records, ana);
  desk->next = browser_open(900, 800);
  browser_go(desk->next.get(), access_url(daemon, bruno, ""));
  wait_blue(desk->next.get(), "half-dead-bruno");
  desk->cut = browser_open(900, 800);
  const std::string here = quiet_net_cable(desk->cut->net.get());
  browser_go(desk->cut.get(), "https://" + here + ":" + std::to_string(daemon_access(daemon, carla).port) + "/");
  wait_blue(desk->cut.get(), "half-dead-carla");
  for (const std::string& one : {ana, bruno, carla}) wait_viewers(daemon, one, 1, 15);

  const double start = now_seconds();
  quiet_net_cut(desk->cut->net.get());
  quiet_net_signal(desk->next->net.get(), SIGSTOP);
  check_error(daemon_get(daemon, access_path(dora)), 503);
  // The rounds notice by themselves, with no newcomer to have everybody looked at.
  double hung = 0, cut = 0;
  const bool both = wait_until(180, [&] {
    if (hung == 0 && viewers_of(daemon, bruno) == 0) hung = now_seconds() - start;
    if (cut == 0 && viewers_of(daemon, carla) == 0) cut = now_seconds() - start;
    return hung > 0 && cut > 0;
  });
  print_message("counted no more after: a browser that hangs %.0f s, a cable pulled out %.0f s\n", hung, cut);
  check_at(both, "who is not there any more counts as a viewer");
  check_at(hung > 40 && cut > 40, "a moment of silence was taken for the end");
  for (const std::string& one : {dora, eva}) daemon_access(daemon, one);
  check_equal(entry_of(daemon_status(daemon).records, ana).id, kept.id, "Ana's session");
  check_at(is_connected(desk->browser.get()), "Ana was thrown out");

  // It wakes up in a house where its session has ended.
  quiet_net_signal(desk->next->net.get(), SIGCONT);
  check_at(wait_until(30, [&] { return !is_connected(desk->next.get()); }), "the page that hung sees a session again");
  check_at(picture_share(browser_screenshot(desk->next.get()), kBlue) < 0.3, "Bruno sees who came after him");
}

// Longer than the timeout at work, with no access in all that time; and gone soon after the page is closed.
void a_working_clerk_is_not_idle(Scene* scene) {
  auto desk = desk_at(scene);
  page_server_set(desk->pages.get(), "/", page_with_input("clerk", kBlue, kGreen, "x", "/typed"));
  Daemon* daemon = scene->daemon;
  daemon_set(daemon, "IDLE_TIMEOUT_HOURS", "0.0028");  // 10 s
  daemon_set(daemon, "CLEANUP_INTERVAL_MINUTES", "0.05");
  daemon_start(daemon);
  daemon_wait_reconciled(daemon);
  const std::string ana = suite_client(*scene->suite, "ana");
  desk->browser = browser_open(900, 800);
  browser_go(desk->browser.get(), access_url(daemon, ana, ""));
  wait_blue(desk->browser.get(), "clerk");
  Entry entry = entry_of(daemon_status(daemon).records, ana);
  for (double end = now_seconds() + 30; now_seconds() < end; usleep(500000)) {
    check_equal(entry_of(daemon_status(daemon).records, ana).id, entry.id, "the session");
    check_at(is_connected(desk->browser.get()), "she was thrown out");
  }
  desk->browser.reset();
  check_at(wait_until(45, [&] { return entry_find(daemon_status(daemon).records, ana) == nullptr; }), "a session that nobody watches stays");
}

// The picture of a session that README.md shows is this test's.
void a_session_shows_a_page_as_its_users_know_them(Scene* scene) {
  auto desk = desk_at(scene);
  Page page;
  page.body =
      "<!doctype html><html lang=pt-BR><title>Agenda</title><style>body{font:15px sans-serif;margin:0;background:#eef2f6}"
      "h1{background:#1e90ff;color:#fff;margin:0;padding:14px 18px;font-size:20px}table{border-collapse:collapse;margin:18px;"
      "width:calc(100% - 36px);background:#fff}td,th{border:1px solid #c5d0da;padding:8px;text-align:left}"
      "form{margin:18px}input{font:inherit;padding:6px;width:60%}button{font:inherit;padding:6px 14px}</style>"
      "<h1>Hospital S&atilde;o Jos&eacute; &mdash; Agenda</h1><form><label>Paciente: <input autofocus value='Jo&atilde;o da "
      "Concei&ccedil;&atilde;o'></label> <button type=button>Buscar</button></form><table><tr><th>Hora<th>Paciente<th>M&eacute;dico"
      "<tr><td>09:00<td>Ana L&uacute;cia Ara&uacute;jo<td>Dr. N&oacute;brega<tr><td>09:20<td>Bruno Magalh&atilde;es<td>Dra. "
      "Assump&ccedil;&atilde;o<tr><td>09:40<td>Jo&atilde;o da Concei&ccedil;&atilde;o<td>Dr. N&oacute;brega</table>";
  page_server_set(desk->pages.get(), "/", page);
  daemon_start(scene->daemon);
  daemon_wait_reconciled(scene->daemon);
  desk->browser = browser_open(900, 620);
  std::string url = access_url(scene->daemon, suite_client(*scene->suite, "carla"), "&width=900&height=620");
  browser_go(desk->browser.get(), url);
  Picture picture;
  bool seen = wait_until(90, [&] {
    picture = browser_screenshot(desk->browser.get());
    return picture_share(picture, kBlue) > 0.04 && picture_share(picture, 0xeef2f6) > 0.2;
  });
  keep("session", picture);
  check_at(seen, "the page does not show");
}

}  // namespace

int main() {
  return suite_main("access_browser", {
                                          E2E_TEST(a_link_from_the_pool_opens_a_session_to_type_in),
                                          E2E_TEST(a_cold_link_opens_a_session_of_the_size_asked_for),
                                          E2E_TEST(an_old_tab_hears_that_its_session_has_ended),
                                          E2E_TEST(a_full_house_keeps_those_who_work),
                                          E2E_TEST(a_browser_that_hangs_or_is_cut_off_keeps_no_port),
                                          E2E_TEST(a_working_clerk_is_not_idle),
                                          E2E_TEST(a_session_shows_a_page_as_its_users_know_them),
                                      });
}
