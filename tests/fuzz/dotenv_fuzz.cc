// A .env file, and what comes of it: settings, what they show of themselves, and what the engine is asked for.
#include <jansson.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "codec/docker_json.h"
#include "codec/settings.h"
#include "daemon/routes.h"
#include "fuzz/fuzz.h"

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

const NameValues kEnvironment = {{"HOME", "/root"}, {"EMPTY", ""}};

bool is_plain_name(std::string_view name) {
  return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == name.npos;
}

// In double quotes, where every byte can be said.
std::string quoted(std::string_view value) {
  static constexpr std::string_view kRaw = "\\\"\a\b\f\n\r\t\v", kSaid = "\\\"abfnrtv";
  std::string out = "\"";
  for (const char c : value) {
    const size_t which = kRaw.find(c);
    if (which != kRaw.npos) out += '\\';
    out += which == kRaw.npos ? c : kSaid[which];
  }
  return out + "\"";
}

void check_harmless(const std::vector<std::string>& lines, std::string_view input) {
  for (const std::string& line : lines) HOLDS(!line.empty() && is_harmless(line), input);
}

void check_file(const NameValues& values, std::string_view input) {
  NameValues kept;
  std::string text = "# the same again\n";
  for (const auto& [name, value] : values) {
    const auto of_this_name = [wanted = name](const auto& one) { return one.first == wanted; };
    HOLDS(!name.empty() && std::count_if(values.begin(), values.end(), of_this_name) == 1, input);
    // No way to write a backslash at the end when other quotes follow: python-dotenv takes it as one that keeps the value open.
    if (!is_plain_name(name) || value.size() > 2000 || value.find("${") != value.npos || value.ends_with('\\')) continue;
    kept.emplace_back(name, value);
    text += name + "=" + quoted(value) + "\n";
  }
  std::vector<std::string> warnings;
  HOLDS(dotenv_parse(text, {}, &warnings) == kept && warnings.empty(), text);
}

void check_body(const Settings& settings, std::string_view input) {
  const LaunchSpec spec = settings_launch_spec(settings, "vnc_pool_5000", 5000, {410, 900}, "run", "1");
  const std::string body = docker_create_body(spec);
  const Json json(json_loadb(body.data(), body.size(), 0, nullptr));
  const json_t* environment = json_object_get(json.get(), "Env");
  HOLDS(json_array_size(environment) == spec.env.size(), input);
  for (size_t i = 0; i < spec.env.size(); i++) {
    HOLDS(json_string_value(json_array_get(environment, i)) == spec.env[i].first + "=" + spec.env[i].second, input);
  }
  HOLDS(json_array_size(json_object_get(json_object_get(json.get(), "HostConfig"), "Mounts")) == spec.mounts.size(), input);
  HOLDS(json_string_value(json_object_get(json.get(), "Image")) == settings.vnc_image, input);
}

void check_settings(const Settings& settings, std::string_view input) {
  // --check-config shows each in a line of its own, and what it shows is read back as the same.
  const std::string shown = settings_values(settings);
  HOLDS(is_harmless(settings.vnc_appname), input);
  size_t count = 0;
  settings_rows(&count);
  HOLDS(static_cast<size_t>(std::count(shown.begin(), shown.end(), '\n')) == count, shown);
  NameValues again;
  for (std::string_view rest = shown; !rest.empty();) {
    std::string_view line = fuzz_take(&rest, '\n');
    const std::string name(fuzz_take(&line, '='));
    again.emplace_back(name, line);
  }
  Settings back;
  std::vector<std::string> errors, warnings;
  HOLDS(settings_read(again, {}, &back, &errors, &warnings), shown);
  for (const std::string& warning : warnings) HOLDS(warning.starts_with("DOCKER_"), shown);  // of what is used, not of how it is written
  HOLDS(settings_values(back) == shown && settings_fingerprint(back) == settings_fingerprint(settings), shown);
  check_harmless(settings_banner(settings), input);
  const std::string location = route_redirect(settings, 5000).location;
  HOLDS(is_harmless(location) && location.find_first_of(" \"<>\\") == std::string::npos, location);
  check_body(settings, input);
}

}  // namespace

FUZZ_TARGET(dotenv) {
  std::vector<std::string> warnings, errors;
  const NameValues values = dotenv_parse(input, kEnvironment, &warnings);
  check_harmless(warnings, input);
  check_file(values, input);
  Settings settings;
  if (settings_read(values, {}, &settings, &errors, &warnings)) check_settings(settings, input);
  check_harmless(errors, input);
  check_harmless(warnings, input);
}
