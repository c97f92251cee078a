// A page that stays open while the session behind its port becomes somebody else's: it enters it never, and says so in kind words.
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>

#include "image/stage.h"
#include "support/proc.h"

namespace {

constexpr const char* kAccessUrl = "https://portal.example.com/access?id=1&from=\"session\"";

struct Variant {
  const char* name;
  const char* scheme;
  std::vector<std::string> options;  // of both containers
};

std::vector<std::string> options_for(Stage* stage, const std::string& path, const std::vector<std::string>& more) {
  std::vector<std::string> options = {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), path)};
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

void pages_of_two(Stage* stage) {
  page_server_set(stage->pages.get(), "/ana", page_of_color(kBlue));
  page_server_set(stage->pages.get(), "/bruno", page_of_color(kRed));
}

// Looks until `seconds` after it holds; any red on the way, and the test fails.
void never_red(Browser* browser, const std::string& name, double seconds, const std::function<bool()>& holds,
               const At& at = At::current()) {
  double end = 0;
  double limit = now_seconds() + 90;
  while (end == 0 || now_seconds() < end) {
    Picture picture = browser_screenshot(browser);
    if (picture_share(picture, kRed) > 0.001) keep(name + "-entered", picture);
    check_at(picture_share(picture, kRed) <= 0.001, "the old tab shows the other person's screen", at);
    if (end == 0 && holds()) end = now_seconds() + seconds;
    check_at(now_seconds() < limit, "the old tab does not say that it waits or is over: " + browser_notice(browser),
             at);
    usleep(100000);
  }
  keep(name, browser_screenshot(browser));
}

// Ana's container goes, Bruno's comes on the same port.
Box replaced_by_bruno(Stage* stage, const Box& ana, const std::vector<std::string>& more) {
  box_remove(ana);
  return box_start(stage, "bruno", options_for(stage, "/bruno", more), ana.port);
}

void check_ended(Browser* browser, bool with_link, const At& at = At::current()) {
  std::string notice = browser_notice(browser);
  check_at(notice.find("Esta sessão terminou.") != std::string::npos &&
               notice.find("This session has ended.") != std::string::npos,
           "the notice says: " + notice, at);
  std::string links = browser_script(
      browser, "return [...document.querySelectorAll('a')].map((one) => one.getAttribute('href')).join('\\n')");
  check_equal(links, with_link ? kAccessUrl : "", "the links of the notice", at);
}

void old_tab_stays_out(void** state, const Variant& variant) {
  Stage* stage = stage_of(state);
  pages_of_two(stage);
  std::vector<std::string> more = variant.options;
  more.insert(more.end(), {"-e", std::string("ACCESS_URL=") + kAccessUrl});
  std::string name = std::string("old-tab-") + variant.name;
  Box ana = box_start(stage, "ana", options_for(stage, "/ana", more));
  box_wait_healthy(ana);
  stage->browser = browser_open(800, 700);
  Browser* tab = stage->browser.get();
  browser_go(tab, box_url(ana, variant.scheme, "/"));
  browser_wait_color(tab, kBlue, 0.3, name + "-before");

  Box bruno = replaced_by_bruno(stage, ana, more);
  never_red(tab, name, 5, [&] { return box_health(bruno) == "healthy" && browser_state(tab) == "ended"; });
  assert_int_equal(box_get(bruno, variant.scheme, "/").status, 200);
  check_ended(tab, true);
  // Bruno himself is let in, and Ana's tab stays as it is beside him.
  stage->second_browser = browser_open(800, 700);
  browser_go(stage->second_browser.get(), box_url(bruno, variant.scheme, "/"));
  browser_wait_color(stage->second_browser.get(), kRed, 0.3, name + "-bruno");
  never_red(tab, name, 2, [] { return true; });
  // Who loads the port again by hand is where its owner lets people be.
  browser_script(tab, "location.reload()");
  browser_wait_color(tab, kRed, 0.3, name + "-reloaded");
}

void an_old_tab_stays_out_over_http(void** state) { old_tab_stays_out(state, {"http", "http", {}}); }

// Each container has a certificate of its own here, and the browser takes them all.
void an_old_tab_stays_out_over_https(void** state) { old_tab_stays_out(state, {"https", "https", {}}); }

void an_old_tab_stays_out_with_a_shared_certificate(void** state) {
  std::string folder = stage_of(state)->fixture->folder + "/shared";
  std::filesystem::create_directories(folder);
  proc_output({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=session.test",
               "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"});
  old_tab_stays_out(state, {"shared",
                            "https",
                            {"-v", folder + "/cert.pem:/run/vnc-tls/cert.pem:ro", "-v",
                             folder + "/key.pem:/run/vnc-tls/key.pem:ro"}});
}

// The browser whose user said yes to Ana's certificate knows nothing of Bruno's: for the page nobody answers.
void an_old_tab_that_cannot_ask_stays_out_and_offers_a_reload(void** state) {
  Stage* stage = stage_of(state);
  pages_of_two(stage);
  Box ana = box_start(stage, "ana", options_for(stage, "/ana", {}));
  box_wait_healthy(ana);
  std::string key_hash = proc_output({"sh", "-c",
                                      "docker exec -u session " + ana.name +
                                          " cat /run/session/cert.pem | openssl x509 -noout -pubkey |"
                                          " openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"});
  stage->browser = browser_open_trusting(800, 700, key_hash);
  Browser* tab = stage->browser.get();
  browser_go(tab, box_url(ana, "https", "/"));
  browser_wait_color(tab, kBlue, 0.3, "old-tab-trusting-before");
  Box bruno = replaced_by_bruno(stage, ana, {});
  never_red(tab, "old-tab-trusting", 8,
            [&] { return box_health(bruno) == "healthy" && browser_state(tab) == "waiting"; });
  std::string notice = browser_notice(tab);
  for (const char* part : {"não responde no momento", "does not answer at the moment", "Recarregar", "Reload the page"})
    check_at(notice.find(part) != std::string::npos, "the notice says: " + notice);
  assert_string_equal(browser_script(tab, "return String(document.querySelectorAll('a').length)").c_str(), "1");
  // From here on it is between the browser and its user, who has to accept the certificate.
  browser_script(tab, "document.querySelector('a').click()");
  check_at(wait_until(20, [&] { return browser_state(tab).empty(); }), "the link does not load the page again");
  never_red(tab, "old-tab-trusting-reloaded", 2, [] { return true; });
}

// The script is over before the page goes: a script that its page leaves in the middle of is run once more by the driver, two steps back then.
void go_back(Browser* tab) { browser_script(tab, "setTimeout(() => history.back(), 50)"); }

// A page that comes back out of the browser's history, or that the browser loads again by itself, is an old tab, too.
void the_back_button_leads_into_no_other_session(void** state) {
  Stage* stage = stage_of(state);
  pages_of_two(stage);
  Box ana = box_start(stage, "ana", options_for(stage, "/ana", {}));
  box_wait_healthy(ana);
  stage->browser = browser_open(800, 700);
  Browser* tab = stage->browser.get();
  browser_go(tab, box_url(ana, "http", "/"));
  browser_wait_color(tab, kBlue, 0.3, "back-before");
  browser_go(tab, page_server_url(stage->pages.get(), "/ana-elsewhere"));
  go_back(tab);
  browser_wait_color(tab, kBlue, 0.3, "back-same");

  browser_go(tab, page_server_url(stage->pages.get(), "/ana-elsewhere"));
  Box bruno = replaced_by_bruno(stage, ana, {});
  box_wait_healthy(bruno);
  for (int round = 0; round < 2; round++) {
    go_back(tab);
    never_red(tab, "back-replaced", 3, [&] { return browser_state(tab) == "ended"; });
    check_ended(tab, false);
    browser_go(tab, page_server_url(stage->pages.get(), "/ana-elsewhere"));
  }
  go_back(tab);
  browser_wait_state(tab, "ended", 20);
  browser_script(tab, "location.reload()");
  browser_wait_color(tab, kRed, 0.3, "back-reloaded");
}

// The page loads itself again when a script did not come. It stays outside when the session has changed until then.
void a_page_that_loads_itself_again_enters_no_other_session(void** state) {
  Stage* stage = stage_of(state);
  pages_of_two(stage);
  Box box = box_on_page(stage, "itself", "/bruno");
  box_wait_healthy(box);
  const std::string script = "/usr/share/session/web/session.js";
  proc_output({"docker", "exec", "-u", "0", box.name, "mv", script, "/tmp/away.js"});
  stage->browser = browser_open(800, 700);
  Browser* tab = stage->browser.get();
  browser_go(tab, box_url(box, "http", "/"));
  const std::string how = "return performance.getEntriesByType('navigation')[0].type";
  check_at(wait_until(20, [&] { return browser_script(tab, how) == "reload"; }), "the page does not load itself again");
  proc_output({"docker", "exec", "-u", "0", box.name, "sh", "-c",
               "openssl rand -hex 32 >/run/session/nonce && mv /tmp/away.js " + script});
  box_replace(box, "session-web");
  never_red(tab, "itself", 3, [&] { return browser_state(tab) == "ended"; });
  browser_script(tab, "location.reload()");
  browser_wait_color(tab, kRed, 0.3, "itself-reloaded");
}

// ---- the nonce, seen from below a browser ------------------------------------------------------------------------------

std::string nonce_of(const HttpReply& page) {
  const std::string before = "<meta name=\"session\" content=\"";
  size_t at = page.body.find(before);
  check_at(at != std::string::npos, "no nonce in the page");
  at += before.size();
  return page.body.substr(at, page.body.find('"', at) - at);
}

std::string upgrade(const Box& box, const std::string& path, const std::string& header) {
  return http_raw(box.port,
                  "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + header + "\r\n",
                  1500);
}

void the_websocket_takes_the_nonce_of_its_page_only(void** state) {
  Stage* stage = stage_of(state);
  Box box = box_start(stage, "nonce", {"-e", "APPNAME=sleep 1000"});
  check_at(wait_until(20, [&] { return box_get(box, "http", "/").status == 200; }), "noVNC does not answer");
  std::string nonce = nonce_of(box_get(box, "https", "/"));
  assert_int_equal(nonce.size(), 64);
  const std::string field = "Sec-WebSocket-Protocol: ";
  std::string near = nonce;
  near.back() = near.back() == '0' ? '1' : '0';
  const std::vector<std::string> wrong = {"",
                                          field + "binary\r\n",
                                          field + "session.\r\n",
                                          field + "session." + near + "\r\n",
                                          field + "session." + nonce.substr(1) + "\r\n",
                                          field + "session." + nonce + "0\r\n",
                                          field + "session\r\n",
                                          field + nonce + "\r\n",
                                          field + "session.@NONCE@\r\n",
                                          field + "session.\xe9\r\n",
                                          "X-Session: " + nonce + "\r\n"};
  for (const std::string& header : wrong) {
    for (const char* path : {"/websockify", "/", "/anything"}) {
      std::string answer = upgrade(box, path, header);
      check_at(answer.rfind("HTTP/1.1 403 ", 0) == 0 && answer.find("RFB") == std::string::npos,
               std::string(path) + " with \"" + header + "\" answers: " + answer);
    }
  }
  std::string answer = upgrade(box, "/websockify", field + "session." + nonce + "\r\n");
  check_at(answer.rfind("HTTP/1.1 101 ", 0) == 0 && answer.find("RFB 003.008\n") != std::string::npos, answer);
}

void each_start_has_a_nonce_of_its_own_that_no_cache_keeps(void** state) {
  Stage* stage = stage_of(state);
  Box box = box_start(stage, "starts", {"-e", "APPNAME=sleep 1000"});
  check_at(wait_until(20, [&] { return box_get(box, "http", "/").status == 200; }), "noVNC does not answer");
  HttpReply page = box_get(box, "http", "/");
  std::string nonce = nonce_of(page);
  for (const char* path : {"/", "/index.html", "/?a=b", "/./", "//", "/core/../"}) {
    HttpReply one = box_get(box, "http", path);
    check_equal(http_reply_header(one, "cache-control"), one.status == 200 ? "no-store" : "no-cache", path);
    if (one.status == 200) check_equal(nonce_of(one), nonce, path);
  }
  check_equal(http_reply_header(box_get(box, "http", "/session"), "cache-control"), "no-store", "/session");
  check_equal(http_reply_header(box_get(box, "http", "/session.js"), "cache-control"), "no-cache", "/session.js");
  assert_int_equal(box_get(box, "http", "/session").status, 410);
  for (const Process& process : box_processes(box))
    check_at(process.command.find(nonce) == std::string::npos, "in the command line: " + process.command);

  // The web server may end and come back; that is the same session.
  box_replace(box, "session-web");
  check_at(wait_until(20, [&] { return box_get(box, "http", "/").status == 200; }), "noVNC does not answer any more");
  check_equal(nonce_of(box_get(box, "http", "/")), nonce, "the nonce after another start of the web server");

  proc_output({"docker", "restart", "-t", "2", box.name});
  box.port = atoi(proc_output({"docker", "port", box.name, "6080/tcp"}).substr(strlen("127.0.0.1:")).c_str());
  check_at(wait_until(20, [&] { return box_get(box, "http", "/").status == 200; }), "noVNC does not answer any more");
  check_at(nonce_of(box_get(box, "http", "/")) != nonce, "the nonce survives a restart of the container");
}

void nothing_but_a_web_address_becomes_a_link(void** state) {
  Stage* stage = stage_of(state);
  Box box = box_start(stage, "link", {"-e", "APPNAME=sleep 1000", "-e", "ACCESS_URL=javascript:alert(1)"});
  check_at(wait_until(20, [&] { return box_get(box, "http", "/").status == 200; }), "noVNC does not answer");
  std::string page = box_get(box, "http", "/").body;
  check_at(page.find("<meta name=\"access-url\" content=\"\">") != std::string::npos, page);
}

}  // namespace

int main() {
  return stage_main("old_tab", {
                                   IMAGE_TEST(an_old_tab_stays_out_over_http),
                                   IMAGE_TEST(an_old_tab_stays_out_over_https),
                                   IMAGE_TEST(an_old_tab_stays_out_with_a_shared_certificate),
                                   IMAGE_TEST(an_old_tab_that_cannot_ask_stays_out_and_offers_a_reload),
                                   IMAGE_TEST(the_back_button_leads_into_no_other_session),
                                   IMAGE_TEST(a_page_that_loads_itself_again_enters_no_other_session),
                                   IMAGE_TEST(the_websocket_takes_the_nonce_of_its_page_only),
                                   IMAGE_TEST(each_start_has_a_nonce_of_its_own_that_no_cache_keeps),
                                   IMAGE_TEST(nothing_but_a_web_address_becomes_a_link),
                               });
}
