// MASK_IDS=on: no CPF in the log or in anything that the engine shows of a container, through all that a day brings; and nobody loses a session by it.
#include <sys/stat.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/proc.h"

namespace {

constexpr const char* kAna = "11122233344";
constexpr const char* kBia = "maria-aparecida";

std::string name_of(const Daemon* d, const std::string& id) {
  SeenContainer seen;
  return engine_inspect(d->socket, id, &seen) ? seen.name : "";
}

// The container that the client is sent to; its record follows, where the client was known by a hash alone.
std::string sent_to(Daemon* d, const std::string& client, const At& at = At::current()) {
  check_number(daemon_get(d, access_path(client)).status, 302, "access of " + client, at);
  std::string id;
  wait_until(10, [&] {
    const std::vector<Entry> state = daemon_state(d);
    const Entry* entry = entry_find(state, client);
    if (entry != nullptr) id = entry->id;
    return entry != nullptr;
  });
  return id;
}

// Everything that is read by people who look after the machine.
void check_nothing_shows(const Daemon* d, const At& at = At::current()) {
  std::string all = daemon_log(d);
  for (const SeenContainer& container : daemon_containers(d)) all += proc_output({"docker", "inspect", container.id});
  for (const char* trace : {"11122233344", "111.222.333-44", "aparecida"}) {
    const size_t where = all.find(trace);
    check_at(where == std::string::npos, where == std::string::npos ? "" : std::string(trace) + " in " + all.substr(where > 300 ? where - 300 : 0, 500), at);
  }
}

void a_day_of_sessions_names_nobody(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "MASK_IDS", "on");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  const Entry ana = daemon_access(d, kAna);
  check_number(daemon_get(d, access_path("111.222.333-44")).status, 302, "her CPF as people write it");
  daemon_access(d, kBia, "&width=800&height=600");
  daemon_access(d, kBia, "&width=640&height=480");
  check_at(wait_until(15, [&] { return name_of(d, ana.id).starts_with("vnc__"); }), "no name by a hash");
  daemon_get(d, access_path("111.222.333-4x!"));
  daemon_get(d, std::string("/remove?id=") + kBia);
  daemon_get(d, std::string("/remove?id=") + kBia);
  daemon_get(d, std::string("/status?id=") + kAna);
  daemon_get(d, std::string("/11122233344"));
  engine_call(d->socket, "POST", "/containers/" + ana.id + "/rename?name=vnc_" + kAna);
  check_at(wait_until(15, [&] { return name_of(d, ana.id).starts_with("vnc__"); }), "it did not get its name back");
  check_at(daemon_log(d).find("CPF=***.222.333-**") != std::string::npos, "the log does not show whose lines they are");
  check_nothing_shows(d);
  daemon_kill9(d);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_equal(daemon_access(d, kAna).id, ana.id, "container after the restart");
  check_nothing_shows(d);
  check_at(daemon_get(d, "/status").body.find(kAna) != std::string::npos, "/status is not whole");
  struct stat key = {};
  check_at(stat((daemon_state_path(d) + ".key").c_str(), &key) == 0 && (key.st_mode & 0777) == 0600, "the key is not there, or not ours alone");
}

void the_state_file_is_lost_and_everybody_finds_their_own(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "MASK_IDS", "on");
  daemon_start(d);
  const Entry ana = daemon_access(d, kAna), bia = daemon_access(d, kBia);
  daemon_kill9(d);
  unlink(daemon_state_path(d).c_str());
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(wait_until(15, [&] { return daemon_status(d).records.size() == 2; }), "they are not kept");
  check_nothing_shows(d);
  const Entry other = daemon_access(d, "55566677788");
  check_at(other.id != ana.id && other.id != bia.id, "somebody got another's session");
  check_equal(sent_to(d, kBia), bia.id, "container");
  check_equal(sent_to(d, kAna), ana.id, "container");
  check_nothing_shows(d);
}

void switched_on_and_off_nobody_moves(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  const Entry ana = daemon_access(d, kAna);
  check_equal(name_of(d, ana.id), std::string("vnc_") + kAna, "name");
  for (const char* mask : {"on", "off"}) {
    daemon_stop(d);
    daemon_set(d, "MASK_IDS", mask);
    daemon_start(d);
    daemon_wait_reconciled(d);
    check_equal(daemon_access(d, kAna).id, ana.id, "container");
    const bool masked = std::string(mask) == "on";
    check_at(wait_until(15, [&] { return name_of(d, ana.id).starts_with("vnc__") == masked; }), "name with MASK_IDS=" + std::string(mask));
  }
}

}  // namespace

int main() {
  return suite_main("mask", {
                                E2E_TEST(a_day_of_sessions_names_nobody),
                                E2E_TEST(the_state_file_is_lost_and_everybody_finds_their_own),
                                E2E_TEST(switched_on_and_off_nobody_moves),
                            });
}
