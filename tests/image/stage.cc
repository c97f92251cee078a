// Containers, browsers and what is shared by all tests of a program; made in the parent process, used in the child.
#include "image/stage.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "support/engine_client.h"
#include "support/proc.h"
#include "support/rfb.h"

Stage* stage_of(void** state) { return static_cast<Stage*>(*state); }

Box box_start(Stage* stage, const std::string& name, const std::vector<std::string>& options, int host_port) {
  Box box;
  box.name = stage->fixture->prefix + name;
  std::vector<std::string> command = {"docker",
                                      "run",
                                      "-d",
                                      "--name",
                                      box.name,
                                      "--network",
                                      stage->fixture->network,
                                      "--shm-size",
                                      "256m",
                                      "--cap-drop",
                                      "ALL",
                                      "-p",
                                      "127.0.0.1:" + (host_port == 0 ? "" : std::to_string(host_port)) + ":6080"};
  // As the daemon confines a session where nothing else is set.
  for (const char* capability : {"CHOWN", "DAC_OVERRIDE", "SETGID", "SETPCAP", "SETUID"}) command.insert(command.end(), {"--cap-add", capability});
  command.insert(command.end(), {"--security-opt", "no-new-privileges", "--pids-limit", "1024", "--memory", "2g", "--memory-swap", "2g"});
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(stage->fixture->image);
  stage->containers.push_back(box.name);
  proc_output(command);
  box.address =
      proc_output({"docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", box.name});
  // "127.0.0.1:49153"; nothing when the container has ended by itself already.
  std::string published = proc_run({"docker", "port", box.name, "6080/tcp"}).out;
  box.port = atoi(published.substr(published.rfind(':') + 1).c_str());
  return box;
}

Box box_on_page(Stage* stage, const std::string& name, const std::string& path) {
  return box_start(stage, name, {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), path)});
}

void box_remove(const Box& box) { check_at(engine_remove(kEngineSocket, box.name), "cannot remove " + box.name); }

std::string box_health(const Box& box) {
  SeenContainer seen;
  return engine_inspect(kEngineSocket, box.name, &seen) ? seen.health : "gone";
}

std::string box_log(const Box& box) {
  ProcResult log = proc_run({"docker", "logs", box.name});
  return log.out + log.err;
}

void box_wait_healthy(const Box& box, const At& at) {
  bool healthy = wait_until(60, [&] { return box_health(box) == "healthy"; });
  check_at(healthy, box.name + " does not become healthy:\n" + box_log(box), at);
}

std::vector<Process> box_processes(const Box& box) {
  std::istringstream lines(proc_output({"docker", "exec", "-u", "session", box.name, "ps", "-eo", "pid=,user=,args="}));
  std::vector<Process> out;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Process process;
    words >> process.pid >> process.user >> std::ws;
    std::getline(words, process.command);
    if (process.command.rfind("ps -eo", 0) != 0) out.push_back(process);
  }
  return out;
}

int box_pid(const Box& box, const std::string& text) {
  for (const Process& process : box_processes(box)) {
    if (process.command.find(text) != std::string::npos) return process.pid;
  }
  return 0;
}

void box_kill(const Box& box, int pid, const char* signal_name) {
  // As the one whose programs they are: the container's root may not do that.
  proc_output({"docker", "exec", "-u", "session", box.name, "sh", "-c",
               std::string("kill -") + signal_name + " " + std::to_string(pid)});
}

void box_replace(const Box& box, const std::string& text, const At& at) {
  int before = box_pid(box, text);
  check_at(before > 0, "not running: " + text, at);
  box_kill(box, before, "KILL");
  bool back = wait_until(20, [&] {
    int now = box_pid(box, text);
    return now > 0 && now != before;
  });
  check_at(back, "not started again: " + text + "\n" + box_log(box), at);
}

std::string box_url(const Box& box, const std::string& scheme, const std::string& path) {
  return scheme + "://127.0.0.1:" + std::to_string(box.port) + path;
}

HttpReply box_get(const Box& box, const std::string& scheme, const std::string& path) {
  HttpCall call;
  call.url = box_url(box, scheme, path);
  call.timeout_ms = 10000;
  return http_call(call);
}

Picture box_screen(const Box& box, const At& at) {
  RfbPtr rfb = rfb_connect(box.address, 5900);
  Picture picture;
  check_at(rfb != nullptr && rfb_frame(rfb.get(), &picture), "no picture from port 5900 of " + box.name, at);
  return picture;
}

void box_wait_color(const Box& box, unsigned rgb, const At& at) {
  double share = 0;
  bool seen = wait_until(30, [&] {
    Picture picture;
    RfbPtr rfb = rfb_connect(box.address, 5900);
    if (rfb && rfb_frame(rfb.get(), &picture)) share = picture_share(picture, rgb);
    return share > 0.8;
  });
  check_at(seen, "the page is not on the screen, share of its colour: " + std::to_string(share), at);
}

void keep(const std::string& name, const Picture& picture) {
  check_at(png_write("tests/out/image/" + name + ".png", picture), "cannot write tests/out/image/" + name + ".png");
}

Page page_of_color(unsigned rgb) {
  char style[64];
  snprintf(style, sizeof style, "<style>html{background:#%06x}</style>", rgb);
  Page page;
  page.body = std::string("<!doctype html><meta charset=utf-8><title>colour</title>") + style;
  return page;
}

// What stands in the window decides whose fault it is: our page in some state, or one of the browser's own.
std::string browser_scene(Browser* browser) {
  std::string page = browser_script(browser, "return document.body ? document.body.innerText.trim() : ''");
  return browser_url(browser) + ", state \"" + browser_state(browser) + "\", says: " + page.substr(0, 500);
}

void browser_wait_color(Browser* browser, unsigned rgb, double share, const std::string& name, const At& at) {
  Picture picture;
  bool seen = wait_until(30, [&] {
    picture = browser_screenshot(browser);
    return picture_share(picture, rgb) > share;
  });
  keep(name, picture);
  if (seen) return;
  check_at(false,
           "the colour does not show in the browser, share: " + std::to_string(picture_share(picture, rgb)) + "; " +
               browser_scene(browser),
           at);
}

std::string browser_state(Browser* browser) {
  return browser_script(browser, "return document.documentElement.dataset.state || ''");
}

void browser_wait_state(Browser* browser, const std::string& state, int seconds, const At& at) {
  bool seen = wait_until(seconds, [&] { return browser_state(browser) == state; });
  if (!seen) check_at(false, "not \"" + state + "\": " + browser_scene(browser), at);
}

std::string browser_notice(Browser* browser) {
  return browser_script(browser, "const it = document.getElementById('notice'); return it ? it.innerText : ''");
}

int stage_setup(void** state) {
  Stage* stage = new Stage;
  stage->fixture = static_cast<Fixture*>(*state);
  stage->pages = page_server_start(stage->fixture->gateway);
  *state = stage;
  if (!stage->pages) print_error("cannot listen on %s\n", stage->fixture->gateway.c_str());
  return stage->pages ? 0 : 1;
}

int stage_teardown(void** state) {
  Stage* stage = stage_of(state);
  stage->browser.reset();
  stage->second_browser.reset();
  stage->desk.reset();
  stage->relay.reset();
  bool clean = true;
  for (const std::string& name : stage->containers) clean = engine_remove(kEngineSocket, name) && clean;
  *state = stage->fixture;
  delete stage;
  return clean ? 0 : 1;
}

int stage_setup_kept(void** state) {
  Fixture* fixture = static_cast<Fixture*>(*state);
  if (fixture->kept == nullptr) {
    if (stage_setup(state) != 0) return 1;
    fixture->kept = stage_of(state);
  }
  *state = fixture->kept;
  return 0;
}

int stage_teardown_kept(void** state) {
  *state = stage_of(state)->fixture;
  return 0;
}

namespace {

int tests_run(Fixture* fixture, const char* name, std::vector<CMUnitTest>* tests) {
  for (CMUnitTest& test : *tests) test.initial_state = fixture;
  if (const char* only = getenv("ONLY_TEST")) cmocka_set_test_filter(only);
  // What the macro for arrays does, since these tests are in a vector.
  int failed = _cmocka_run_group_tests(name, tests->data(), tests->size(), nullptr, nullptr);
  void* kept = fixture->kept;
  if (kept != nullptr && stage_teardown(&kept) != 0) ++failed;
  return failed;
}

bool fixture_open(Fixture* fixture) {
  const char* image = getenv("SESSION_IMAGE");
  fixture->image = image == nullptr ? "localhost/vnc-orchestrator-session:latest" : image;
  if (engine_call(kEngineSocket, "GET", "/version").status != 200) {
    fprintf(stderr, "no container engine answers on %s: these tests need one (make deps)\n", kEngineSocket);
    return false;
  }
  if (!engine_has_image(kEngineSocket, fixture->image)) {
    fprintf(stderr, "the image %s is not there: make image\n", fixture->image.c_str());
    return false;
  }
  char folder[] = "/tmp/vnc-imgt-XXXXXX";
  if (mkdtemp(folder) == nullptr) return false;
  fixture->folder = folder;
  fixture->prefix = "imgt_" + std::to_string(getpid()) + "_";
  fixture->network = fixture->prefix + "net";
  ProcResult made = proc_run({"docker", "network", "create", fixture->network});
  ProcResult seen =
      proc_run({"docker", "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", fixture->network});
  fixture->gateway = seen.out.substr(0, seen.out.find('\n'));
  if (made.status != 0 || fixture->gateway.empty())
    fprintf(stderr, "no network: %s%s\n", made.err.c_str(), seen.err.c_str());
  return made.status == 0 && !fixture->gateway.empty();
}

// Everything that carries our prefix, also what a test left that crashed. False when something could not be removed.
bool fixture_close(const Fixture& fixture) {
  std::istringstream ids(proc_run({"docker", "ps", "-aq", "--filter", "name=^" + fixture.prefix}).out);
  bool clean = true;
  for (std::string id; std::getline(ids, id);) clean = engine_remove(kEngineSocket, id) && clean;
  clean = engine_remove_network(kEngineSocket, fixture.network) && clean;
  std::error_code ignored;
  if (!fixture.folder.empty()) std::filesystem::remove_all(fixture.folder, ignored);
  return clean;
}

pid_t child_pid = 0;
void pass_on(int number) {
  if (child_pid > 0) kill(child_pid, number);
}

}  // namespace

int stage_main(const char* name, std::vector<CMUnitTest> tests) {
  signal(SIGPIPE, SIG_IGN);
  Fixture fixture;
  bool open = fixture_open(&fixture);
  int status = 0;
  if (open) {
    // The tests run in a child: whatever becomes of it, the parent cleans up.
    signal(SIGINT, pass_on);
    signal(SIGTERM, pass_on);
    child_pid = fork();
    if (child_pid == 0) {
      signal(SIGINT, SIG_DFL);
      signal(SIGTERM, SIG_DFL);
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      int failed = tests_run(&fixture, name, &tests);
      fflush(stdout);
      fflush(stderr);
      _exit(failed == 0 ? 0 : 1);
    }
    while (waitpid(child_pid, &status, 0) < 0 && errno == EINTR) continue;
  }
  bool clean = fixture_close(fixture);
  if (!clean) fprintf(stderr, "something of %s was left behind\n", fixture.prefix.c_str());
  return open && clean && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
