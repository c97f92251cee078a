// The settings as they are on disk and in the environment: read at the start, and again when the administrator says so.
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include <string>
#include <vector>

#include "codec/log_level.h"
#include "codec/settings.h"

// From the file .env in the current folder and from `environment`, which wins. False: *errors says why, a line each, and *settings is untouched.
bool settings_load(const NameValues& environment, Settings* settings, std::vector<std::string>* errors, std::vector<std::string>* warnings);

struct ReloadWord {
  LogLevel level = LogLevel::Info;
  std::string text;
};
// What a reload with these changes is told by.
std::vector<ReloadWord> reload_words(const std::vector<SettingChange>& changes);
// The same when it came to nothing.
std::vector<ReloadWord> reload_refused(const std::vector<std::string>& errors);

#endif
