// The network that test browsers live in: apart from this machine's interfaces, and leading to this machine's ports.
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "support/page_server.h"
#include "support/proc.h"
#include "support/suite.h"
#include "support/webdriver.h"

namespace {

struct Desk {
  PageServerPtr pages;
  BrowserPtr browser;
  QuietNetPtr net;
};

int desk_setup(void** state) {
  Desk* desk = new Desk;
  *state = desk;
  desk->pages = page_server_start("127.0.0.1");
  return desk->pages ? 0 : 1;
}

int desk_teardown(void** state) {
  delete static_cast<Desk*>(*state);
  return 0;
}

void the_page_of_a_port_of_this_machine_is_a_secure_context_that_is_online(void** state) {
  Desk* desk = static_cast<Desk*>(*state);
  Page page;
  page.body = "<!doctype html><title>here</title><p>here";
  page_server_set(desk->pages.get(), "/", page);
  desk->browser = browser_open(400, 300);
  browser_go(desk->browser.get(), page_server_url(desk->pages.get(), "/"));
  assert_string_equal(browser_script(desk->browser.get(), "return `${isSecureContext} ${navigator.onLine}`").c_str(),
                      "true true");
  check_at(browser_url(desk->browser.get()).rfind("http://127.0.0.1:", 0) == 0, browser_url(desk->browser.get()));
}

// Longer than an address of IPv6 takes to be found nobody else's (RFC 4862, 5.4), which it then announces.
void nothing_changes_in_it(void** state) {
  Desk* desk = static_cast<Desk*>(*state);
  desk->net = quiet_net_open();
  char folder[] = "/tmp/vnc-quiet-XXXXXX";
  check_at(mkdtemp(folder) != nullptr, "no temporary folder");
  std::string log = std::string(folder) + "/changes";
  ProcPtr monitor = quiet_net_start(desk->net.get(), {"ip", "monitor", "link", "address", "route"}, log);
  check_at(monitor != nullptr, "cannot look at the network");
  sleep(3);
  check_at(proc_runs(monitor.get()), "nobody looks at the network any more");
  monitor.reset();
  std::string changes = file_text(log);
  std::filesystem::remove_all(folder);
  assert_string_equal(changes.c_str(), "");
}

void nothing_of_it_is_left_on_this_machine(void** state) {
  Desk* desk = static_cast<Desk*>(*state);
  const char* look =
      "{ iptables-save | grep -c REDIRECT; ip -o link | grep -cw near; ls /run/netns 2>/dev/null | grep -c quiet; } || "
      "true";
  std::string before = proc_output({"sh", "-c", look});
  desk->browser = browser_open(400, 300);
  std::string inside = "/proc/" + std::to_string(desk->browser->driver->pid) + "/ns/net";
  std::string own = proc_output({"readlink", inside});
  assert_string_not_equal(own.c_str(), proc_output({"readlink", "/proc/self/ns/net"}).c_str());
  assert_string_equal(proc_output({"sh", "-c", look}).c_str(), before.c_str());
  desk->browser.reset();
  // Chromium's last processes end a moment after their driver.
  bool gone = wait_until(20, [&] {
    return proc_run({"sh", "-c", "readlink /proc/[0-9]*/ns/net 2>/dev/null | grep -qF '" + own + "'"}).status != 0;
  });
  check_at(gone, "somebody still lives in " + own);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_page_of_a_port_of_this_machine_is_a_secure_context_that_is_online, desk_setup,
                                      desk_teardown),
      cmocka_unit_test_setup_teardown(nothing_changes_in_it, desk_setup, desk_teardown),
      cmocka_unit_test_setup_teardown(nothing_of_it_is_left_on_this_machine, desk_setup, desk_teardown),
  };
  return cmocka_run_group_tests_name("quiet_net", tests, nullptr, nullptr);
}
