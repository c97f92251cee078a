// What one end-to-end test program owns on the machine (ports, network, folder, names), and the stage each of its tests plays on.
// All of it is given back at the end, also after a failed assert, a crash or an interrupt: a parent process waits to do that.
#ifndef SUPPORT_SUITE_H
#define SUPPORT_SUITE_H

#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "support/cmocka_cc.h"
#include "support/ledger.h"

inline constexpr const char* kTinyImage = "localhost/vnc-orchestrator-tiny:latest";
inline constexpr const char* kTinyImageNoHealth = "localhost/vnc-orchestrator-tiny-nohealth:latest";

struct Suite {
  std::string name;
  int block = 0;        // this program's share: nobody else on the machine has the same while it runs
  int first_port = 0;   // first_port .. first_port + 99 are ours
  std::string network;  // DOCKER_NETWORK_NAME of its daemons, hence the instance label of their containers
  std::string subnet;   // subnet 0; suite_subnet gives more
  std::string socket;   // of the engine
  std::string folder;   // temporary, removed at the end
  LedgerPtr ledger;     // none where nobody is to watch
};

// Subnet number 0..7 of this program's share.
std::string suite_subnet(const Suite& suite, int number);
// A client id that no other test program on this engine uses: names of containers are shared by all.
std::string suite_client(const Suite& suite, const std::string& name);
// An eleven-digit one.
std::string suite_cpf(const Suite& suite, int number);

struct Daemon;
struct DaemonDeleter {
  void operator()(Daemon* daemon) const;  // SIGKILL if it runs
};

// One test's own. The test may longjmp away at any assert: what must be undone goes into `cleanups` as soon as it is done.
struct Scene {
  Suite* suite = nullptr;
  std::string test;
  std::string folder;
  Daemon* daemon = nullptr;  // the first of `daemons`, made (not started) for every test
  std::vector<std::unique_ptr<Daemon, DaemonDeleter>> daemons;
  std::vector<std::string> instances;           // labels whose containers are removed afterwards, and networks
  std::vector<std::function<void()>> cleanups;  // run last to first
  bool done = false;                            // the body came to its end
};

using SceneBody = void (*)(Scene* scene);

// Runs the body, then stops the daemons that still run (exit status 0 asked for) and compares each one's books with the engine.
void scene_run(void** state, const char* test, SceneBody body);
int scene_teardown(void** state);

// A row for suite_main: the body, named for what it proves.
#define E2E_TEST(body)                                                                           \
  {                                                                                              \
#body, [](void** state) { scene_run(state, #body, body); }, nullptr, scene_teardown, nullptr \
  }

// main() of a test program. Adds one test of its own at the end: no container ever served two clients.
int suite_main(const char* name, const std::vector<CMUnitTest>& tests);
// The same without that, for what is measured: nothing looks at the daemon's files and the engine's events beside it.
int suite_main_unwatched(const char* name, const std::vector<CMUnitTest>& tests);

using Texts = std::vector<std::string>;
using At = std::source_location;
// Fails the test with the caller's file and line when `ok` is false.
void check_at(bool ok, const std::string& what, const At& at = At::current());
void check_equal(const std::string& have, const std::string& want, const std::string& what,
                 const At& at = At::current());
void check_number(long have, long want, const std::string& what, const At& at = At::current());

// Looks every 30 ms until it holds; false when it did not within `seconds`.
bool wait_until(double seconds, const std::function<bool()>& holds);
double now_seconds();  // monotonic

std::string file_text(const std::string& path);  // "" when it cannot be read
void unmount_below(const std::string& folder);
void file_write(const std::string& path, const std::string& text);

#endif
