// The session image on a real engine, seen by a VNC client and by a real browser: painted before healthy, reachable, restarted, private.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "image/stage.h"
#include "support/engine_client.h"
#include "support/proc.h"
#include "support/rfb.h"

namespace {

struct Moment {
  double healthy_at = 0;
  Picture picture;  // what the screen showed then
};

// Asks the engine as often as it can, with a VNC connection at hand, so that the picture is of the moment the health changed.
Moment box_moment_of_health(const Box& box, double seconds, const At& at = At::current()) {
  Moment moment;
  RfbPtr rfb;
  double end = now_seconds() + seconds;
  while (box_health(box) != "healthy") {
    check_at(now_seconds() < end, box.name + " does not become healthy:\n" + box_log(box), at);
    if (!rfb) rfb = rfb_connect(box.address, 5900);
    usleep(2000);
  }
  moment.healthy_at = now_seconds();
  if (!rfb) rfb = rfb_connect(box.address, 5900);
  check_at(rfb != nullptr && rfb_frame(rfb.get(), &moment.picture), "no picture from port 5900 of " + box.name, at);
  return moment;
}

// ---- painted before healthy --------------------------------------------------------------------------------------------

void healthy_shows_the_page_of_a_slow_server(void** state) {
  Stage* stage = stage_of(state);
  Page page = page_with_input("slow", kBlue, kGreen, "", "/typed");
  page.delay_ms = 4000;
  page_server_set(stage->pages.get(), "/", page);
  Moment moment = box_moment_of_health(box_on_page(stage, "slow", "/"), 60);
  keep("healthy-slow", moment.picture);
  assert_int_equal(moment.picture.width, 410);
  assert_int_equal(moment.picture.height, 900);
  check_at(picture_share(moment.picture, kBlue) > 0.8, "healthy before the page was painted");
}

void healthy_waits_for_the_last_part_of_a_page(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.body = "<!doctype html><meta charset=utf-8><title>parts</title><p>the first part, painted at once" +
              std::string(4096, ' ');
  page.late_ms = 4000;
  page.late_body = "<style>html{background:#1e90ff}</style><p>the rest";
  page_server_set(stage->pages.get(), "/", page);
  Moment moment = box_moment_of_health(box_on_page(stage, "parts", "/"), 60);
  check_at(picture_share(moment.picture, kBlue) > 0.8, "healthy before the last part of the page was painted");
}

void healthy_waits_for_a_white_page(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.body = "<!doctype html><meta charset=utf-8><title>white</title><style>html{background:#fff}</style>";
  page.delay_ms = 4000;
  page_server_set(stage->pages.get(), "/", page);
  Moment moment = box_moment_of_health(box_on_page(stage, "white", "/"), 60);
  check_at(picture_share(moment.picture, 0xffffff) > 0.99, "the white page is not on the screen");
  double answered = page_server_requests(stage->pages.get(), "/").at(0).answered_at;
  check_at(answered > 0 && answered < moment.healthy_at, "healthy before the white page had come");
  // Not by the limit for pages that never come, either: that would be 20 s after the window.
  check_at(moment.healthy_at - answered < 10, "a white page took long to be believed");
}

void an_error_page_is_a_page(void** state) {
  // A port of the host that nothing listens on.
  Stage* stage = stage_of(state);
  std::string url = page_server_url(stage->pages.get(), "/");
  stage->pages.reset();
  Moment moment = box_moment_of_health(box_start(stage, "refused", {"-e", "APPNAME=firefox-kiosk " + url}), 60);
  keep("healthy-error", moment.picture);
  std::vector<uint32_t> colors = moment.picture.pixels;
  std::sort(colors.begin(), colors.end());
  auto different = std::unique(colors.begin(), colors.end()) - colors.begin();
  check_at(different > 10, "no error page on the screen");
}

void a_server_that_never_answers_does_not_keep_the_session_from_its_user(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.delay_ms = -1;
  page_server_set(stage->pages.get(), "/", page);
  double start = now_seconds();
  Box box = box_on_page(stage, "silent", "/");
  Moment moment = box_moment_of_health(box, 60);
  check_at(!page_server_requests(stage->pages.get(), "/").empty(), "healthy before the browser had asked for its page");
  check_at(moment.healthy_at - start > 19, "healthy long before the limit, with nothing painted");
}

void healthy_only_with_a_window(void** state) {
  Stage* stage = stage_of(state);
  Box box = box_start(stage, "windowless", {"-e", "APPNAME=sleep 1000"});
  check_at(wait_until(20, [&] { return box_get(box, "http", "/").status == 200; }), "noVNC does not answer");
  check_at(!wait_until(8, [&] { return box_health(box) != "starting"; }),
           "healthy or not with no window: " + box_health(box));
}

// ---- reached -------------------------------------------------------------------------------------------------------------

void one_port_speaks_https_and_http(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("ports", kBlue, kGreen, "", "/typed"));
  Box box = box_on_page(stage, "ports", "/");
  box_wait_healthy(box);
  for (const char* scheme : {"http", "https"}) {
    HttpReply reply = box_get(box, scheme, "/");
    assert_int_equal(reply.status, 200);
    check_at(reply.body.find("session.js") != std::string::npos, std::string(scheme) + ": / is not the session's page");
    assert_int_equal(box_get(box, scheme, "/session.js").status, 200);
    assert_int_equal(box_get(box, scheme, "/core/").status, 404);  // no listings
  }
}

// noVNC comes in forty modules, and a fresh browser would ask for them one after the other.
void the_page_is_two_requests(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_of_color(kBlue));
  Box box = box_on_page(stage, "requests", "/");
  box_wait_healthy(box);
  stage->browser = browser_open(800, 700);
  browser_go(stage->browser.get(), box_url(box, "http", "/"));
  browser_wait_color(stage->browser.get(), kBlue, 0.3, "requests");
  // The page itself is not among them, nor is the WebSocket.
  std::string asked =
      browser_script(stage->browser.get(),
                     "return performance.getEntriesByType('resource').map((one) =>"
                     " new URL(one.name).pathname + ' ' + (one.encodedBodySize < one.decodedBodySize)).join()");
  check_equal(asked, "/session.js true", "what the page asks for, and whether it comes compressed");

  std::string page = box_get(box, "http", "/").body;
  size_t at = page.find("session.js?");
  check_at(at != std::string::npos, "the page names its script without a hash: " + page);
  std::string script = "/" + page.substr(at, page.find('"', at) - at);
  check_at(http_reply_header(box_get(box, "http", script), "cache-control").find("immutable") != std::string::npos,
           "a script with its hash may be kept");
  check_equal(http_reply_header(box_get(box, "http", "/nothing.js?1"), "cache-control"), "no-cache",
              "what is not there");
}

// Seconds until the other side hangs up; what it sent before that is added to *got.
double hung_up_after(int fd, std::string* got) {
  double start = now_seconds();
  std::array<char, 4096> bytes;
  for (ssize_t count; (count = recv(fd, bytes.data(), bytes.size(), 0)) > 0;) got->append(bytes.data(), static_cast<size_t>(count));
  tcp_close(fd);
  return now_seconds() - start;
}

// Whatever is connected counts as somebody who watches.
void a_connection_that_asks_for_nothing_more_is_let_go(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_of_color(kBlue));
  Box box = box_start(stage, "idle", {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/")});
  box_wait_healthy(box);
  int fd = tcp_connect(box.port);
  const std::string ask = "GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  std::string got;
  for (int round = 0; round < 2; ++round) {  // it is kept for a second request that comes soon
    check_at(send(fd, ask.data(), ask.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(ask.size()), "cannot ask");
    sleep(2);
  }
  double kept = hung_up_after(fd, &got);
  check_at(got.find("410", got.find("410") + 1) != std::string::npos, "not both were answered: " + got);
  check_at(kept > 1 && kept < 18, "let go after " + std::to_string(kept) + " s");

  const char tls_handshake = 22;  // the first byte of https, and then nothing
  fd = tcp_connect(box.port);
  check_at(send(fd, &tls_handshake, 1, MSG_NOSIGNAL) == 1, "cannot begin");
  kept = hung_up_after(fd, &got);
  check_at(kept > 1 && kept < 18, "half a handshake is let go after " + std::to_string(kept) + " s");
}

void the_operators_certificate_is_used(void** state) {
  Stage* stage = stage_of(state);
  std::string folder = stage->fixture->folder + "/tls";
  std::filesystem::create_directories(folder);
  std::string cert = folder + "/cert.pem";
  std::string key = folder + "/key.pem";
  std::string other = folder + "/other.pem";
  proc_output({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=session.test",
               "-addext", "subjectAltName=DNS:session.test", "-keyout", key, "-out", cert});
  proc_output({"openssl", "genpkey", "-algorithm", "rsa", "-out", other});
  chmod(key.c_str(), 0600);  // root's, as keys are
  page_server_set(stage->pages.get(), "/", page_with_input("tls", kBlue, kGreen, "", "/typed"));
  std::string app = "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/");
  Box box = box_start(stage, "tls",
                      {"-e", app, "-v", cert + ":/run/vnc-tls/cert.pem:ro", "-v", key + ":/run/vnc-tls/key.pem:ro"});
  box_wait_healthy(box);
  std::string port = std::to_string(box.port);
  proc_output({"curl", "-sSf", "--noproxy", "*", "--cacert", cert, "--resolve", "session.test:" + port + ":127.0.0.1",
               "https://session.test:" + port + "/"});

  Box wrong = box_start(
      stage, "tlsbad", {"-e", app, "-v", cert + ":/run/vnc-tls/cert.pem:ro", "-v", other + ":/run/vnc-tls/key.pem:ro"});
  assert_string_equal(proc_output({"docker", "wait", wrong.name}).c_str(), "1");
  check_at(box_log(wrong).find("is not the key of") != std::string::npos, "no reason in the log: " + box_log(wrong));
  Box half = box_start(stage, "tlshalf", {"-e", app, "-v", cert + ":/run/vnc-tls/cert.pem:ro"});
  assert_string_equal(proc_output({"docker", "wait", half.name}).c_str(), "1");
  check_at(box_log(half).find("mount both") != std::string::npos, "no reason in the log: " + box_log(half));
}

void a_browser_sees_and_types_into_the_session(void** state) {
  Stage* stage = stage_of(state);
  const std::string text = "Ola 123, tudo bem?";
  page_server_set(stage->pages.get(), "/", page_with_input("typing", kBlue, kGreen, text, "/typed"));
  Box box = box_on_page(stage, "browser", "/");
  box_wait_healthy(box);
  stage->browser = browser_open(800, 900);
  Browser* browser = stage->browser.get();
  browser_go(browser, "https://127.0.0.1:" + std::to_string(box.port) + "/");
  Picture picture;
  bool seen = wait_until(30, [&] {
    picture = browser_screenshot(browser);
    return picture_share(picture, kBlue) > 0.4;
  });
  keep("browser-opened", picture);
  check_at(seen, "the session's page does not show in the browser");

  browser_click(browser, 400, 30);
  browser_type(browser, text);
  bool arrived = wait_until(20, [&] {
    std::vector<PageRequest> typed = page_server_requests(stage->pages.get(), "/typed");
    return !typed.empty() && typed.back().body == text;
  });
  std::vector<PageRequest> typed = page_server_requests(stage->pages.get(), "/typed");
  check_at(arrived, "typed text did not arrive, the last was: \"" + (typed.empty() ? "" : typed.back().body) + "\"");
  seen = wait_until(20, [&] {
    picture = browser_screenshot(browser);
    return picture_share(picture, kGreen) > 0.4;
  });
  keep("browser-typed", picture);
  check_at(seen, "the browser does not show what the typing changed");

  // noVNC's helper ends: the page connects again by itself.
  browser_script(browser, "window.marked = 1");
  box_replace(box, "session-web");
  check_at(
      wait_until(
          20, [&] { return browser_script(browser, "return document.documentElement.dataset.state") == "connected"; }),
      "the browser did not connect again");
  assert_string_equal(browser_script(browser, "return String(window.marked)").c_str(), "1");
}

void a_small_browser_window_shows_the_whole_screen(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.body = "<!doctype html><title>whole</title><style>html{background:#1e90ff}</style>";
  page_server_set(stage->pages.get(), "/", page);
  Box box = box_on_page(stage, "scaled", "/");
  box_wait_healthy(box);
  stage->browser = browser_open(600, 450);
  browser_go(stage->browser.get(), "http://127.0.0.1:" + std::to_string(box.port) + "/");
  Picture picture;
  PictureBox found;
  bool seen = wait_until(30, [&] {
    picture = browser_screenshot(stage->browser.get());
    return picture_find(picture, kBlue, 8, &found);
  });
  keep("browser-scaled", picture);
  check_at(seen, "the session's page does not show in the browser");
  // 410 x 900 in 600 x 450: half as large, in the middle.
  assert_in_range(found.right - found.left + 1, 202, 208);
  assert_in_range(found.bottom - found.top + 1, 447, 450);
  assert_in_range(found.left, 193, 201);
}

// ---- the screen and the command --------------------------------------------------------------------------------------

void the_page_is_as_wide_as_the_screen(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("size", kBlue, kGreen, "", "/report"));
  std::string app = "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/");
  struct Row {
    const char* name;
    std::vector<std::string> options;
    int width, height;
  };
  const std::vector<Row> rows = {{"default", {}, 410, 900},
                                 {"wide", {"-e", "WIDTH=1280", "-e", "HEIGHT=720"}, 1280, 720},
                                 {"bad", {"-e", "WIDTH=12x", "-e", "HEIGHT=900"}, 410, 900}};
  for (const Row& row : rows) {
    std::vector<std::string> options = {"-e", app};
    options.insert(options.end(), row.options.begin(), row.options.end());
    Box box = box_start(stage, row.name, options);
    box_wait_healthy(box);
    Picture picture = box_screen(box);
    assert_int_equal(picture.width, row.width);
    assert_int_equal(picture.height, row.height);
    std::string want = std::to_string(row.width) + "x" + std::to_string(row.height);
    bool reported = wait_until(5, [&] {
      std::vector<PageRequest> sizes = page_server_requests(stage->pages.get(), "/report-size");
      return !sizes.empty() && sizes.back().body == want;
    });
    std::vector<PageRequest> sizes = page_server_requests(stage->pages.get(), "/report-size");
    check_at(reported, "the page's size: " + (sizes.empty() ? "" : sizes.back().body) + " instead of " + want);
  }
}

void the_browser_asks_for_portuguese_first(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.body =
      "<!doctype "
      "html><title>language</title><script>fetch('/language',{method:'POST',body:navigator.language})</script>";
  page_server_set(stage->pages.get(), "/", page);
  box_wait_healthy(box_on_page(stage, "language", "/"));
  std::vector<PageRequest> asked;
  wait_until(10, [&] { return !(asked = page_server_requests(stage->pages.get(), "/language")).empty(); });
  check_equal(asked.empty() ? "" : asked[0].body, "pt-BR", "navigator.language");
}

void another_command_runs_as_well(void** state) {
  Stage* stage = stage_of(state);
  // Quotes group, and nothing is evaluated before the command: neither $HOME nor what follows the semicolon.
  Box box = box_start(stage, "command",
                      {"-e",
                       "APPNAME=sh -c 'printf %s \"$1\" >/tmp/words; echo \"<body bgcolor=cc2200>\" >/tmp/red.html;"
                       " exec firefox-esr --profile /home/session --kiosk file:///tmp/red.html' sh 'two  words $HOME; "
                       "touch /tmp/evaluated'"});
  box_wait_healthy(box);
  box_wait_color(box, kRed);
  check_equal(proc_output({"docker", "exec", box.name, "cat", "/tmp/words"}), "two  words $HOME; touch /tmp/evaluated",
              "the argument at its end");
  assert_int_not_equal(proc_run({"docker", "exec", box.name, "test", "-e", "/tmp/evaluated"}).status, 0);
}

// ---- kept running, ended, private --------------------------------------------------------------------------------------

void nothing_runs_as_root(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("user", kBlue, kGreen, "", "/typed"));
  Box box = box_on_page(stage, "user", "/");
  box_wait_healthy(box);
  std::string names;
  for (const Process& process : box_processes(box)) {
    check_equal(process.user, "session", "user of " + process.command);
    names += process.command + "\n";
  }
  for (const char* part : {"Xtigervnc", "session-web", "firefox-esr", "openbox"})
    check_at(names.find(part) != std::string::npos, std::string(part) + " is not among the processes:\n" + names);
  // Nor can any of them become root again.
  std::string status = proc_output({"docker", "exec", "-u", "session", box.name, "cat", "/proc/1/status"});
  for (const char* line : {"NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"})
    check_at(status.find(line) != std::string::npos, std::string("not so: ") + line + "\n" + status);
}

void each_part_is_started_again(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("again", kBlue, kGreen, "", "/typed"));
  Box box = box_on_page(stage, "again", "/");
  box_wait_healthy(box);
  for (const char* part : {"session-web", "openbox", "firefox-esr --no-remote"}) box_replace(box, part);
  box_wait_color(box, kBlue);
  int application = box_pid(box, "firefox-esr --no-remote");
  size_t requests = page_server_requests(stage->pages.get(), "/").size();
  box_replace(box, "Xtigervnc");
  check_at(wait_until(20, [&] { return page_server_requests(stage->pages.get(), "/").size() > requests; }),
           "the application did not come back after the X server:\n" + box_log(box));
  assert_int_not_equal(box_pid(box, "firefox-esr --no-remote"), application);
  box_wait_color(box, kBlue);
  check_at(wait_until(20, [&] { return box_get(box, "https", "/").status == 200; }), "noVNC does not answer any more");
  // All that ended was reaped.
  for (const Process& process : box_processes(box))
    check_at(process.command.find("<defunct>") == std::string::npos, process.command);
}

// One story in three tests, since a probe that sleeps for a minute takes a while to say no: others run meanwhile.
void a_part_is_taken_away(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("away", kBlue, kGreen, "", "/typed"));
  stage->box = box_on_page(stage, "away", "/");
  box_wait_healthy(stage->box);
  proc_output({"docker", "exec", "-u", "0", stage->box.name, "chmod", "a-x", "/usr/local/bin/session-web"});
  box_kill(stage->box, box_pid(stage->box, "session-web"), "KILL");
}

void a_part_that_stays_away_makes_it_unhealthy(void** state) {
  const Box& box = stage_of(state)->box;
  check_at(wait_until(110, [&] { return box_health(box) == "unhealthy"; }),
           "noVNC is away and the container still " + box_health(box));
  proc_output({"docker", "exec", "-u", "0", box.name, "chmod", "a+x", "/usr/local/bin/session-web"});
}

void a_part_that_is_back_makes_it_healthy(void** state) {
  const Box& box = stage_of(state)->box;
  check_at(wait_until(60, [&] { return box_health(box) == "healthy"; }),
           "noVNC is back and the container still " + box_health(box));
}

void sigterm_ends_it_within_two_seconds(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("end", kBlue, kGreen, "", "/typed"));
  Box box = box_on_page(stage, "end", "/");
  box_wait_healthy(box);
  double start = now_seconds();
  proc_output({"docker", "kill", "-s", "TERM", box.name});
  SeenContainer seen;
  wait_until(10, [&] { return engine_inspect(kEngineSocket, box.name, &seen) && seen.state != "running"; });
  double took = now_seconds() - start;
  assert_string_equal(seen.state.c_str(), "exited");
  check_at(took < 2, "took " + std::to_string(took) + " s");
  assert_string_equal(proc_output({"docker", "inspect", "-f", "{{.State.ExitCode}}", box.name}).c_str(), "0");
}

void a_restarted_container_is_healthy_only_when_painted_again(void** state) {
  Stage* stage = stage_of(state);
  Page page = page_with_input("restart", kBlue, kGreen, "", "/typed");
  page_server_set(stage->pages.get(), "/", page);
  Box box = box_on_page(stage, "restart", "/");
  box_wait_healthy(box);
  page.delay_ms = 4000;
  page_server_set(stage->pages.get(), "/", page);
  proc_output({"docker", "restart", box.name});
  Moment moment = box_moment_of_health(box, 25);  // not after a probe that takes it for healthy, and sleeps first
  check_at(picture_share(moment.picture, kBlue) > 0.8, "healthy before the page was painted again");
}

void sessions_share_nothing(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.body =
      "<!doctype html><title>cookie</title><style>html{background:#1e90ff}</style><script>"
      "fetch('/stored',{method:'POST',body:localStorage.getItem('name')||'nobody'}).then(()=>{"
      "if(!localStorage.getItem('name')){localStorage.setItem('name','Ana');location.reload()}})</script>";
  page.set_cookie = "who=Ana; Max-Age=86400; Path=/";
  page_server_set(stage->pages.get(), "/", page);
  for (const char* name : {"ana", "bruno"}) {
    size_t first = page_server_requests(stage->pages.get(), "/").size();
    size_t first_stored = page_server_requests(stage->pages.get(), "/stored").size();
    Box box = box_on_page(stage, name, "/");
    box_wait_healthy(box);
    check_at(
        wait_until(20, [&] { return page_server_requests(stage->pages.get(), "/stored").size() >= first_stored + 2; }),
        "the page was not loaded twice");
    std::vector<PageRequest> visits = page_server_requests(stage->pages.get(), "/");
    std::vector<PageRequest> stored = page_server_requests(stage->pages.get(), "/stored");
    check_equal(visits.at(first).cookie, "", "cookie of the first visit");
    check_equal(visits.at(first + 1).cookie, "who=Ana", "cookie of the second visit");
    check_equal(stored.at(first_stored).body, "nobody", "storage at the first visit");
    check_equal(stored.at(first_stored + 1).body, "Ana", "storage at the second visit");
    std::string mounts = proc_output({"docker", "inspect", "-f", "{{json .Mounts}}", box.name});
    check_equal(mounts, "[]", "mounts");
  }
}

}  // namespace

int main() {
  return stage_main("session_image",
                    {
                        IMAGE_TEST_KEPT(a_part_is_taken_away),
                        IMAGE_TEST(healthy_shows_the_page_of_a_slow_server),
                        IMAGE_TEST(healthy_waits_for_the_last_part_of_a_page),
                        IMAGE_TEST(healthy_waits_for_a_white_page),
                        IMAGE_TEST(an_error_page_is_a_page),
                        IMAGE_TEST(a_server_that_never_answers_does_not_keep_the_session_from_its_user),
                        IMAGE_TEST(healthy_only_with_a_window),
                        IMAGE_TEST(one_port_speaks_https_and_http),
                        IMAGE_TEST(the_page_is_two_requests),
                        IMAGE_TEST(a_connection_that_asks_for_nothing_more_is_let_go),
                        IMAGE_TEST(the_operators_certificate_is_used),
                        IMAGE_TEST(a_browser_sees_and_types_into_the_session),
                        IMAGE_TEST(a_small_browser_window_shows_the_whole_screen),
                        IMAGE_TEST(the_page_is_as_wide_as_the_screen),
                        IMAGE_TEST(the_browser_asks_for_portuguese_first),
                        IMAGE_TEST(another_command_runs_as_well),
                        IMAGE_TEST(nothing_runs_as_root),
                        IMAGE_TEST(each_part_is_started_again),
                        IMAGE_TEST_KEPT(a_part_that_stays_away_makes_it_unhealthy),
                        IMAGE_TEST(sigterm_ends_it_within_two_seconds),
                        IMAGE_TEST(a_restarted_container_is_healthy_only_when_painted_again),
                        IMAGE_TEST(sessions_share_nothing),
                        IMAGE_TEST_KEPT(a_part_that_is_back_makes_it_healthy),
                    });
}
