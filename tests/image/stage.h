// What the tests of the session image share: an engine's network, containers of the image, pages for them to show, browsers to look.
#ifndef IMAGE_STAGE_H
#define IMAGE_STAGE_H

#include <string>
#include <vector>

#include "support/tcp_relay.h"
#include "support/cmocka_cc.h"
#include "support/desk.h"
#include "support/http_client.h"
#include "support/page_server.h"
#include "support/png.h"
#include "support/suite.h"
#include "support/webdriver.h"

inline constexpr unsigned kBlue = 0x1e90ff;
inline constexpr unsigned kGreen = 0x20c040;
inline constexpr unsigned kRed = 0xcc2200;

struct Stage;

// What all tests of one program share; it belongs to the parent process, which removes it at the end whatever happened.
struct Fixture {
  std::string image;
  std::string prefix;  // of every name on the engine: imgt_<pid>_
  std::string network;
  std::string gateway;  // the host's address in that network: page servers listen there
  std::string folder;
  Stage* kept = nullptr;  // of the tests that go on where the one before has ended
};

struct Box {
  std::string name;
  std::string address;  // in the network
  int port = 0;         // on 127.0.0.1, leads to 6080
};

// One test's own. A failed assert jumps over destructors, so the teardown is what gives these back.
struct Stage {
  Fixture* fixture = nullptr;
  PageServerPtr pages;
  BrowserPtr browser;
  BrowserPtr second_browser;
  DeskPtr desk;
  RelayPtr relay;
  std::vector<std::string> containers;
  Box box;  // the session that tests on one stage share, once there is one
};

struct Process {
  int pid = 0;
  std::string user, command;
};

Stage* stage_of(void** state);

// Starts a container with these options of `docker run`; a host port of 0 is any.
Box box_start(Stage* stage, const std::string& name, const std::vector<std::string>& options, int host_port = 0);
// A session on this page, with the default screen.
Box box_on_page(Stage* stage, const std::string& name, const std::string& path);
void box_remove(const Box& box);
std::string box_health(const Box& box);
std::string box_log(const Box& box);
void box_wait_healthy(const Box& box, const At& at = At::current());
std::vector<Process> box_processes(const Box& box);
int box_pid(const Box& box, const std::string& text);  // the oldest process with the text in its command line; 0: none
void box_kill(const Box& box, int pid, const char* signal_name);
// Kills a part and waits until another one runs in its place.
void box_replace(const Box& box, const std::string& text, const At& at = At::current());
std::string box_url(const Box& box, const std::string& scheme, const std::string& path);
HttpReply box_get(const Box& box, const std::string& scheme, const std::string& path);
Picture box_screen(const Box& box, const At& at = At::current());
void box_wait_color(const Box& box, unsigned rgb, const At& at = At::current());

// Keeps a picture for people to look at: tests/out/image/<name>.png.
void keep(const std::string& name, const Picture& picture);

// A page of nothing but this colour.
Page page_of_color(unsigned rgb);
// Waits until the colour covers this share of what the browser shows; the last picture is kept under the name.
void browser_wait_color(Browser* browser, unsigned rgb, double share, const std::string& name,
                        const At& at = At::current());
// What our page says of itself: connecting, connected, waiting, ended; empty on any other page.
std::string browser_state(Browser* browser);
void browser_wait_state(Browser* browser, const std::string& state, int seconds, const At& at = At::current());
std::string browser_notice(Browser* browser);

int stage_setup(void** state);
int stage_teardown(void** state);

int stage_setup_kept(void** state);
int stage_teardown_kept(void** state);

#define IMAGE_TEST(body) \
  { #body, body, stage_setup, stage_teardown, nullptr }
// On one stage, with all others of this kind: what one leaves running the next finds.
#define IMAGE_TEST_KEPT(body) \
  { #body, body, stage_setup_kept, stage_teardown_kept, nullptr }

// main() of a test program: the tests run in a child process, the parent cleans up after it.
int stage_main(const char* name, std::vector<CMUnitTest> tests);

#endif
