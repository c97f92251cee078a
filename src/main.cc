// The command line: what is asked for, the settings, and the exit status.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "codec/settings.h"
#include "daemon/daemon.h"
#include "io/host.h"

static const char kUsage[] =
    "Usage: vnc-orchestrator [--check-config | --help | --version]\n"
    "\n"
    "Gives each client a browser session of its own in a container: GET /access?id=CPF.\n"
    "Without an option it runs in the foreground until SIGTERM or SIGINT.\n"
    "\n"
    "  --check-config  print the settings in force, NAME=value, and exit; status 2 when one cannot be used\n"
    "  --help          print this and exit\n"
    "  --version       print the version and exit\n"
    "\n"
    "Settings come from the file .env in the current folder and from the environment, which wins:\n"
    "\n";

// Sessions and log show one time. From here on, before there is a second thread, the C library counts in that zone, too.
static void settle_time_zone(Settings* settings) {
  if (settings->tz.empty()) settings->tz = host_time_zone();
  if (!settings->tz.empty()) setenv("TZ", settings->tz.c_str(), 1);
}

static NameValues environment_values() {
  NameValues values;
  for (char** entry = environ; entry && *entry; entry++)
    if (const char* equals = strchr(*entry, '=')) values.emplace_back(std::string(*entry, static_cast<size_t>(equals - *entry)), equals + 1);
  return values;
}

// False: the reasons are on stderr, one line each.
static bool load_settings(Settings* settings, std::vector<std::string>* warnings) {
  NameValues environment = environment_values(), file;
  std::vector<std::string> errors;
  std::string text, error;
  bool missing = false;
  if (host_read_file(".env", &text, &missing, &error))
    file = dotenv_parse(text, environment, warnings);
  else if (!missing)
    errors.push_back(error);
  bool usable = settings_read(file, environment, settings, &errors, warnings) && errors.empty();
  for (const std::string& line : errors) fprintf(stderr, "vnc-orchestrator: %s\n", line.c_str());
  return usable;
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
  if (count > 2 || (count == 2 && option != "--check-config")) {
    fprintf(stderr, "vnc-orchestrator: unknown option: %s (try --help)\n", words[count - 1]);
    return 2;
  }
  if (count == 1) host_settle_memory(words);
  Settings settings;
  std::vector<std::string> warnings;
  if (!load_settings(&settings, &warnings)) return 2;
  if (option == "--check-config") {
    for (const std::string& warning : warnings) fprintf(stderr, "vnc-orchestrator: warning: %s\n", warning.c_str());
    printf("%s", settings_values(settings).c_str());
    return 0;
  }
  settle_time_zone(&settings);
  return daemon_run(settings, warnings);
}
