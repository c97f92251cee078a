// Reads the settings, and says what has become of it.
#include "daemon/reload.h"

#include "io/host.h"

bool settings_load(const NameValues& environment, Settings* settings, std::vector<std::string>* errors, std::vector<std::string>* warnings) {
  NameValues file;
  std::string text, error;
  bool missing = false;
  if (host_read_file(".env", &text, &missing, &error))
    file = dotenv_parse(text, environment, warnings);
  else if (!missing)
    errors->push_back(error);
  Settings read;
  if (!settings_read(file, environment, &read, errors, warnings) || !errors->empty()) return false;
  *settings = std::move(read);
  return true;
}

static std::string shown(const std::string& value) { return value.empty() ? "(empty)" : value; }

std::vector<ReloadWord> reload_words(const std::vector<SettingChange>& changes) {
  std::vector<ReloadWord> words;
  std::string done;
  for (const SettingChange& change : changes) {
    const std::string name = change.name;
    if (change.waits)
      words.push_back({LogLevel::Warning, name + "=" + shown(change.to) + " waits for the next start: until then it stays " + shown(change.from)});
    else
      done += (done.empty() ? "" : ", ") + name + (change.from == change.to ? std::string(" is another one") : ": " + shown(change.from) + " -> " + shown(change.to));
  }
  words.insert(words.begin(), {LogLevel::Info, done.empty() ? "Settings read again: nothing has changed" : "Settings read again: " + done});
  return words;
}

std::vector<ReloadWord> reload_refused(const std::vector<std::string>& errors) {
  std::vector<ReloadWord> words;
  for (const std::string& error : errors) words.push_back({LogLevel::Error, "Nothing is changed, for a setting cannot be used: " + error});
  return words;
}
