// The command line: what is asked for, the settings, and the exit status.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "codec/settings.h"
#include "daemon/daemon.h"
#include "daemon/guard.h"
#include "daemon/reload.h"
#include "io/host.h"

static const char kUsage[] =
    "Usage: vnc-orchestrator [--check-config | --firewall-remove | --help | --version]\n"
    "\n"
    "Gives each client a browser session of its own in a container: GET /access?id=CPF.\n"
    "Without an option it runs in the foreground until SIGTERM or SIGINT.\n"
    "\n"
    "  --check-config     print the settings in force, NAME=value, and exit; status 2 when one cannot be used\n"
    "  --firewall-remove  take away the rules of FIREWALL=on that a daemon with these settings has left, and exit\n"
    "  --help             print this and exit\n"
    "  --version          print the version and exit\n"
    "\n"
    "Settings come from the file .env in the current folder and from the environment, which wins. SIGHUP has them read again:\n"
    "\n";

static NameValues environment_values() {
  NameValues values;
  for (char** entry = environ; entry && *entry; entry++)
    if (const char* equals = strchr(*entry, '=')) values.emplace_back(std::string(*entry, static_cast<size_t>(equals - *entry)), equals + 1);
  return values;
}

int main(int count, char** words) {
  std::string option = count > 1 ? words[1] : "";
  if (option == "--help" && count == 2) {
    printf("%s%s", kUsage, settings_help().c_str());
    return 0;
  }
  if (option == "--version" && count == 2) {
    printf("vnc-orchestrator %s\n", VNC_ORCHESTRATOR_VERSION);
    return 0;
  }
  if (count > 2 || (count == 2 && option != "--check-config" && option != "--firewall-remove")) {
    fprintf(stderr, "vnc-orchestrator: unknown option: %s (try --help)\n", words[count - 1]);
    return 2;
  }
  if (count == 1) host_settle_memory(words);
  const NameValues environment = environment_values();
  Settings settings;
  std::vector<std::string> errors, warnings;
  if (!settings_load(environment, &settings, &errors, &warnings)) {
    for (const std::string& error : errors) fprintf(stderr, "vnc-orchestrator: %s\n", error.c_str());
    return 2;
  }
  if (option == "--check-config") {
    for (const std::string& warning : warnings) fprintf(stderr, "vnc-orchestrator: warning: %s\n", warning.c_str());
    printf("%s", settings_values(settings).c_str());
    return 0;
  }
  if (option == "--firewall-remove") return guard_remove(settings);
  // Sessions and log show one time. From here on, before there is a second thread, the C library counts in that zone, too.
  if (settings.tz.empty()) settings.tz = host_time_zone();
  if (!settings.tz.empty()) setenv("TZ", settings.tz.c_str(), 1);
  return daemon_run(settings, environment, warnings);
}
