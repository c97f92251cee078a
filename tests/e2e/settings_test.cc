// The command line and the settings: what is shown, what is refused and how, where a value comes from.
#include <algorithm>
#include <map>
#include <sstream>

#include "support/daemon.h"

namespace {

std::map<std::string, std::string> values(const std::string& text) {
  std::map<std::string, std::string> out;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    size_t equals = line.find('=');
    if (equals != std::string::npos) out[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return out;
}

long count_lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

void the_defaults_are_the_documents(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  Outcome outcome = daemon_run_with_env(d, "", {"--check-config"});
  check_number(outcome.status, 0, "exit status");
  std::map<std::string, std::string> have = values(outcome.out);
  const std::map<std::string, std::string> want = {
      {"VNC_HOST", "localhost"},
      {"VNC_CONTAINER_PORT", "6080"},
      {"PORT_RANGE_MIN", "5000"},
      {"PORT_RANGE_MAX", "5003"},
      {"ORCHESTRATOR_PORT", "8080"},
      {"STATE_FILE", "state.json"},
      {"IDLE_TIMEOUT_HOURS", "8"},
      {"CLEANUP_INTERVAL_MINUTES", "30"},
      {"WARM_POOL_SIZE", "1"},
      {"DOCKER_NETWORK_NAME", "vnc_network"},
      {"VNC_WIDTH", "410"},
      {"DOCKER_NETWORK_SUBNET", "10.10.0.0/24"},
      {"VNC_HEIGHT", "900"},
      {"VNC_APPNAME", "firefox-kiosk https://google.com"},
      {"ORCHESTRATOR_HOST", "0.0.0.0"},
      {"VNC_SCHEME", "https"},
      {"READY_TIMEOUT_SECONDS", "60"},
      {"LOG_DIR", "logs"},
      {"VNC_BIND", "0.0.0.0"},
      {"DOCKER_HOST", "unix:///var/run/docker.sock"},
      {"LOG_LEVEL", "INFO"},
  };
  for (const auto& [name, value] : want) check_equal(have[name], value, name);
  check_at(!have["VNC_IMAGE"].empty(), "VNC_IMAGE");
}

void help_names_every_setting_and_version_is_a_version(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  Outcome help = daemon_run(d, {"--help"});
  check_number(help.status, 0, "--help");
  check_at(help.err.empty(), "--help writes to stderr: " + help.err);
  for (const auto& [name, value] : values(daemon_run_with_env(d, "", {"--check-config"}).out)) {
    check_at(help.out.find(name) != std::string::npos, "--help does not name " + name);
  }
  for (const char* option : {"--check-config", "--version", "--help"}) {
    check_at(help.out.find(option) != std::string::npos, std::string("--help does not name ") + option);
  }
  Outcome version = daemon_run(d, {"--version"});
  check_number(version.status, 0, "--version");
  check_number(count_lines(version.out), 1, "lines of --version");
  check_at(version.out.find("vnc-orchestrator ") == 0 && version.out.find_first_of("0123456789") != std::string::npos,
           version.out);
}

void an_unknown_option_is_an_error(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  for (const Texts& arguments : {Texts{"--nonsense"}, Texts{"start"}, Texts{"--help", "--nonsense"}, Texts{"-x"}}) {
    Outcome outcome = daemon_run(d, arguments);
    check_at(outcome.status > 0 && outcome.status < 128,
             arguments.back() + ": exit status " + std::to_string(outcome.status));
    check_at(outcome.err.find(arguments.back()) != std::string::npos, "it is not named: " + outcome.err);
  }
}

void all_bad_values_are_told_at_once(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  const std::map<std::string, std::string> bad = {
      {"VNC_HOST", "https://host/"},
      {"VNC_CONTAINER_PORT", "0"},
      {"PORT_RANGE_MIN", "five"},
      {"PORT_RANGE_MAX", "70000"},
      {"ORCHESTRATOR_PORT", "-1"},
      {"IDLE_TIMEOUT_HOURS", "0"},
      {"CLEANUP_INTERVAL_MINUTES", "often"},
      {"WARM_POOL_SIZE", "-2"},
      {"VNC_WIDTH", "63"},
      {"VNC_HEIGHT", "90000"},
      {"VNC_SCHEME", "gopher"},
      {"READY_TIMEOUT_SECONDS", "0"},
      {"LOG_LEVEL", "LOUD"},
      {"VNC_BIND", "everywhere"},
      {"DOCKER_HOST", "ssh://host"},
      {"DOCKER_NETWORK_SUBNET", "10.10.0.0/33"},
      {"DOCKER_NETWORK_NAME", "a b"},
      {"VNC_IMAGE", "An Image"},
  };
  for (const auto& [name, value] : bad) daemon_set(d, name, value);
  for (const Texts& arguments : {Texts{}, Texts{"--check-config"}}) {
    Outcome outcome = daemon_run(d, arguments);
    check_number(outcome.status, 2, "exit status");
    for (const auto& [name, value] : bad) {
      std::istringstream lines(outcome.err);
      std::string line;
      int found = 0;
      while (std::getline(lines, line)) {
        if (line.find(name) != std::string::npos && line.find(value) != std::string::npos) ++found;
      }
      check_number(found, 1, "lines about " + name + "=" + value + " in\n" + outcome.err);
    }
    check_number(count_lines(outcome.err), static_cast<long>(bad.size()), "lines, one for each:\n" + outcome.err);
  }
}

void what_does_not_go_together_is_refused(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  struct Case {
    const char* env;
    const char* named;
  };
  const Case cases[] = {
      {"PORT_RANGE_MIN=6000\nPORT_RANGE_MAX=5999\n", "PORT_RANGE_M"},
      {"PORT_RANGE_MIN=10000\nPORT_RANGE_MAX=11000\nDOCKER_NETWORK_SUBNET=10.96.0.0/16\n", "PORT_RANGE_M"},
      {"PORT_RANGE_MIN=6000\nPORT_RANGE_MAX=6100\nDOCKER_NETWORK_SUBNET=10.10.0.0/26\n", "DOCKER_NETWORK_SUBNET"},
      {"PORT_RANGE_MIN=8000\nPORT_RANGE_MAX=8100\n", "ORCHESTRATOR_PORT"},
      {"VNC_TLS_CERT=/etc/ssl/cert.pem\n", "VNC_TLS_KEY"},
  };
  for (const Case& one : cases) {
    Outcome outcome = daemon_run_with_env(d, one.env, {});
    check_number(outcome.status, 2, std::string("exit status for ") + one.env);
    check_number(count_lines(outcome.err), 1, "lines: " + outcome.err);
    check_at(outcome.err.find(one.named) != std::string::npos, outcome.err);
  }
  check_number(
      daemon_run_with_env(d, "PORT_RANGE_MIN=10000\nPORT_RANGE_MAX=10999\nDOCKER_NETWORK_SUBNET=10.96.0.0/16\n",
                          {"--check-config"})
          .status,
      0, "a thousand ports");
}

void dotenv_is_read_as_the_first_version_read_it(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  d->environment["WIDE"] = "1280";
  Outcome outcome = daemon_run_with_env(d,
                                        "# a comment\n"
                                        "\n"
                                        "export VNC_HOST=example.org\n"
                                        "VNC_APPNAME = \"firefox-kiosk https://a.example/?q=1#top\"  # said in quotes\n"
                                        "VNC_WIDTH=${WIDE}\n"
                                        "VNC_HEIGHT='720'\n"
                                        "WARM_POOL_SIZE=3 # said without\n"
                                        "PORT_RANGE_MIN=7000\n"
                                        "PORT_RANGE_MAX=7050\r\n"
                                        "IDLE_TIMEOUT_HOURS=0.5\n"
                                        "LOG_LEVEL=\n",
                                        {"--check-config"});
  check_number(outcome.status, 0, "exit status: " + outcome.err);
  std::map<std::string, std::string> have = values(outcome.out);
  check_equal(have["VNC_HOST"], "example.org", "VNC_HOST");
  check_equal(have["VNC_APPNAME"], "firefox-kiosk https://a.example/?q=1#top", "VNC_APPNAME");
  check_equal(have["VNC_WIDTH"], "1280", "VNC_WIDTH");
  check_equal(have["VNC_HEIGHT"], "720", "VNC_HEIGHT");
  check_equal(have["WARM_POOL_SIZE"], "3", "WARM_POOL_SIZE");
  check_equal(have["PORT_RANGE_MAX"], "7050", "PORT_RANGE_MAX");
  check_equal(have["IDLE_TIMEOUT_HOURS"], "0.5", "IDLE_TIMEOUT_HOURS");
  check_equal(have["LOG_LEVEL"], "INFO", "LOG_LEVEL");
}

void the_environment_wins_over_the_file(Scene* scene) {
  Daemon* d = scene->daemon;
  d->books = false;
  d->environment["VNC_WIDTH"] = "999";
  Outcome outcome = daemon_run_with_env(d, "VNC_WIDTH=888\nVNC_HEIGHT=777\n", {"--check-config"});
  check_equal(values(outcome.out)["VNC_WIDTH"], "999", "VNC_WIDTH");
  check_equal(values(outcome.out)["VNC_HEIGHT"], "777", "VNC_HEIGHT");
}

void typing_errors_are_warned_of(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SZIE", "3");
  daemon_set(d, "VNC_WITH", "500");
  daemon_set(d, "SOMEBODY_ELSES", "1");
  Outcome outcome = daemon_run(d, {"--check-config"});
  check_number(outcome.status, 0, "exit status");
  check_at(outcome.err.find("WARM_POOL_SZIE") != std::string::npos, outcome.err);
  check_at(outcome.err.find("VNC_WITH") != std::string::npos, outcome.err);
  check_at(outcome.err.find("SOMEBODY_ELSES") == std::string::npos, outcome.err);
  daemon_start(d);
  check_at(daemon_logs_loudly(d, {"WARM_POOL_SZIE"}), "no warning in the log");
}

void a_localhost_that_nobody_else_can_follow_is_warned_of(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_HOST", "");
  daemon_start(d);
  check_at(daemon_logs_loudly(d, {"VNC_HOST"}),
           "no warning in the log (this machine has other addresses: the engine's bridges)");
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(the_defaults_are_the_documents),
      E2E_TEST(help_names_every_setting_and_version_is_a_version),
      E2E_TEST(an_unknown_option_is_an_error),
      E2E_TEST(all_bad_values_are_told_at_once),
      E2E_TEST(what_does_not_go_together_is_refused),
      E2E_TEST(dotenv_is_read_as_the_first_version_read_it),
      E2E_TEST(the_environment_wins_over_the_file),
      E2E_TEST(typing_errors_are_warned_of),
      E2E_TEST(a_localhost_that_nobody_else_can_follow_is_warned_of),
  };
  return suite_main("settings", tests);
}
