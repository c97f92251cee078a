// What a session cannot do, whoever drives the browser in it: reach another session, take more than its share, gain a privilege.
#include <algorithm>

#include "support/daemon.h"
#include "support/proc.h"

namespace {

std::string address_of(const Entry& entry) {
  return proc_output({"docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", entry.id});
}

// From inside the first to the port that the second serves its own viewers on.
bool reaches(const Entry& from, const Entry& to) {
  return proc_run({"docker", "exec", from.id, "/busybox", "timeout", "3", "/busybox", "wget", "-q", "-O", "/dev/null", "http://" + address_of(to) + ":6080/"})
             .status == 0;
}

bool says_they_meet(Daemon* d) { return daemon_log_count(d, "lets sessions reach one another") > 0; }

void sessions_do_not_reach_one_another(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana")), bruno = daemon_access(d, suite_client(*scene->suite, "bruno"));
  check_at(!reaches(ana, bruno), "Ana's session reaches Bruno's");
  check_at(reaches(ana, ana), "Ana's session does not even reach itself");
  check_at(!says_they_meet(d), "a warning without a reason");
}

// Whoever drives the browser of a session may type the orchestrator's address into it.
void a_session_is_answered_nothing_by_the_orchestrator(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "ORCHESTRATOR_HOST", "0.0.0.0");
  daemon_start(d);
  daemon_wait_reconciled(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "asks"));
  const std::string host = proc_output({"docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}", ana.id});
  for (const std::string& path : Texts{"/remove-all", "/status", "/health", "/access?id=another", "/nothing"}) {
    const ProcResult asked = proc_run({"docker", "exec", ana.id, "/busybox", "timeout", "5", "/busybox", "wget", "-q", "-O", "-",
                                       "http://" + host + ":" + std::to_string(daemon_port(d)) + path});
    check_at(asked.status != 0 && asked.err.find("403") != std::string::npos, path + ": " + asked.out + asked.err);
  }
  check_equal(daemon_access(d, ana.client).id, ana.id, "the session");
  check_number(daemon_status(d).active, 1, "sessions");
  check_at(daemon_logs_loudly(d, {"403", "/remove-all"}), "the log does not say so");
}

// As version 1 and many an administrator made it.
void an_older_network_without_walls_is_told_of(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string older = scene->suite->network + "-older", subnet = suite_subnet(*scene->suite, 3);
  scene->instances.push_back(older);
  daemon_set(d, "DOCKER_NETWORK_NAME", older);
  daemon_set(d, "DOCKER_NETWORK_SUBNET", subnet);
  check_at(engine_make_network(d->socket, older, subnet), "no network");
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(daemon_logs_loudly(d, {"[NETWORK]", older, "lets sessions reach one another", "docker network rm"}), "nobody is told");
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "older-ana")), bruno = daemon_access(d, suite_client(*scene->suite, "older-bruno"));
  check_at(reaches(ana, bruno), "it has walls after all: this test shows nothing");
}

// A line of /proc/PID/status of its first program.
std::string status_of(const Entry& entry, const std::string& name) {
  const std::string text = file_text("/proc/" + proc_output({"docker", "inspect", "-f", "{{.State.Pid}}", entry.id}) + "/status");
  const size_t at = text.find("\n" + name + ":\t");
  check_at(at != std::string::npos, "no " + name + " in " + text);
  const size_t begin = at + name.size() + 3;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string limits_of(const Entry& entry) {
  return proc_output({"docker", "inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.CpuQuota}} {{.HostConfig.PidsLimit}}", entry.id});
}

// Bits of include/uapi/linux/capability.h: CHOWN 0, DAC_OVERRIDE 1, SETGID 6, SETUID 7, SETPCAP 8.
void a_session_starts_with_few_rights_and_gains_none(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  const Entry usual = daemon_access(d, suite_client(*scene->suite, "usual"));
  check_equal(status_of(usual, "CapBnd"), "00000000000001c3", "what its programs may ever have");
  check_equal(status_of(usual, "NoNewPrivs"), "1", "NoNewPrivs");
  check_equal(limits_of(usual), "2147483648 2147483648 200000 1024", "limits");
  daemon_stop(d);

  daemon_set(d, "VNC_CAPS", "none");
  for (const char* limit : {"VNC_MEMORY_MB", "VNC_CPUS", "VNC_PIDS"}) daemon_set(d, limit, "off");
  daemon_start(d);
  daemon_wait_reconciled(d);
  const Entry none = daemon_access(d, suite_client(*scene->suite, "none"));
  check_equal(status_of(none, "CapBnd"), "0000000000000000", "with none");
  check_equal(limits_of(none), "0 0 0 <no value>", "without limits");
  daemon_stop(d);

  daemon_set(d, "VNC_CAPS", "engine");
  daemon_start(d);
  daemon_wait_reconciled(d);
  const Entry engine = daemon_access(d, suite_client(*scene->suite, "engine"));
  check_equal(status_of(engine, "NoNewPrivs"), "0", "NoNewPrivs as the engine has it");
  check_at(status_of(engine, "CapBnd") != "00000000000001c3", "the engine's own set");
}

void a_session_takes_no_more_than_its_share(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_PIDS", "64");
  daemon_set(d, "VNC_MEMORY_MB", "64");
  daemon_start(d);
  daemon_wait_reconciled(d);
  const Entry entry = daemon_access(d, suite_client(*scene->suite, "greedy"));
  const std::string forks = "i=0; while [ $i -lt 100 ]; do /busybox sleep 5 & i=$((i+1)); done 2>&1; /busybox ps | /busybox grep -c 'sleep 5'";
  const ProcResult many = proc_run({"docker", "exec", entry.id, "/busybox", "sh", "-c", forks});
  check_at(many.status != 0 || atoi(many.out.c_str()) < 64, "a hundred programs in room for 64: " + many.out + many.err);
  // 128 MB in one program: it is ended, and not the session.
  const ProcResult large = proc_run({"docker", "exec", entry.id, "/busybox", "sh", "-c", "/busybox dd if=/dev/zero of=/dev/null bs=128M count=1"});
  check_at(large.status != 0, "128 MB in room for 64: " + large.out + large.err);
  check_equal(daemon_access(d, entry.client).id, entry.id, "the session");
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(sessions_do_not_reach_one_another),
      E2E_TEST(a_session_is_answered_nothing_by_the_orchestrator),
      E2E_TEST(an_older_network_without_walls_is_told_of),
      E2E_TEST(a_session_starts_with_few_rights_and_gains_none),
      E2E_TEST(a_session_takes_no_more_than_its_share),
  };
  return suite_main("walls", tests);
}
