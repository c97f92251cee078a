// Every setting of the daemon in one table, and all that is read from it or shown of it.
#include "codec/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "codec/accept.h"
#include "codec/identity.h"
#include "codec/shape.h"
#include "codec/text.h"
#include "codec/typo.h"

namespace {

constexpr int kPortsMost = 1000;

// ---- the table --------------------------------------------------------------------------------------------------------

// One of text, number, real and level says where the value lives.
struct Field {
  SettingRow row;
  bool at_start = false;  // read at the start alone: what hangs on it cannot be changed while it runs
  const char* banner = nullptr;  // its name in the document's banner, when it stands there
  std::string Settings::*text = nullptr;
  bool is_login_url = false;  // may hold name:password@, and the password is shown to nobody
  bool is_secret = false;  // shown to nobody
  Accept* accept = nullptr;
  int Settings::*number = nullptr;
  int min = 0;
  int max = 0;
  bool has_auto = false;  // "auto" is a value too, and counts as kPoolAuto
  double Settings::*real = nullptr;  // above 0
  double most = 0;
  bool has_off = false;  // "off" is a value too, and counts as 0
  LogLevel Settings::*level = nullptr;
};

constexpr const char* kPortAllowed = "a whole number from 1 to 65535";
constexpr const char* kSizeAllowed = "a whole number from 64 to 7680";
static_assert(kPortMost == 65535 && kSizeMin == 64 && kSizeMax == 7680, "the texts above say so");
constexpr const char* kSecretAllowed = "an absolute path; both VNC_TLS_CERT and VNC_TLS_KEY or none";

constexpr Field kFields[] = {
    {.row = {"VNC_HOST", "localhost",
             "a host name, an IPv4 address or an IPv6 address in brackets; no scheme, port or path",
             "Host in the links that clients are sent to"},
     .text = &Settings::vnc_host,
     .accept = accept_url_host},
    {.row = {"VNC_IMAGE", kOwnImage, "an image name as docker takes it", "Image of the sessions"},
     .banner = "IMAGE",
     .text = &Settings::vnc_image,
     .accept = accept_image},
    {.row = {"VNC_CONTAINER_PORT", "6080", kPortAllowed, "Port inside the container where noVNC listens"},
     .at_start = true,
     .banner = "CONTAINER_PORT",
     .number = &Settings::vnc_container_port,
     .min = 1,
     .max = kPortMost},
    {.row = {"PORT_RANGE_MIN", "5000", kPortAllowed, "First host port for sessions; each port is one slot"},
     .banner = "PORT_RANGE",
     .number = &Settings::port_range_min,
     .min = 1,
     .max = kPortMost},
    {.row = {"PORT_RANGE_MAX", "5003", kPortAllowed,
             "Last host port for sessions; at most 1000 ports, and no more than the subnet has room for"},
     .number = &Settings::port_range_max,
     .min = 1,
     .max = kPortMost},
    {.row = {"ORCHESTRATOR_PORT", "8080", "a whole number from 1 to 65535 outside the range of session ports",
             "Port of the orchestrator itself"},
     .at_start = true,
     .number = &Settings::orchestrator_port,
     .min = 1,
     .max = kPortMost},
    {.row = {"STATE_FILE", "state.json", "a path of a file", "File in which sessions are remembered"},
     .at_start = true,
     .text = &Settings::state_file,
     .accept = accept_file},
    {.row = {"DOCKER_NETWORK_NAME", "vnc_network",
             "letters, digits, '_', '.' and '-'; not a network of the engine's own",
             "Docker network of the sessions; made when it is not there"},
     .at_start = true,
     .banner = "NETWORK_NAME",
     .text = &Settings::docker_network_name,
     .accept = accept_network},
    {.row = {"DOCKER_NETWORK_SUBNET", "10.10.0.0/24",
             "an IPv4 subnet from /8 to /30 with zero host bits, such as 10.10.0.0/24", "Subnet of that network"},
     .at_start = true,
     .banner = "NETWORK_SUBNET",
     .text = &Settings::docker_network_subnet,
     .accept = accept_subnet},
    {.row = {"IDLE_TIMEOUT_HOURS", "8", "a number above 0 up to 87600; fractions are allowed",
             "Hours after which a session is removed that nobody has watched or accessed"},
     .real = &Settings::idle_timeout_hours,
     .most = 87600},
    {.row = {"CLEANUP_INTERVAL_MINUTES", "30", "a number above 0 up to 525600; fractions are allowed",
             "Minutes between two looks for idle sessions"},
     .real = &Settings::cleanup_interval_minutes,
     .most = 525600},
    {.row = {"WARM_POOL_SIZE", "1", "auto, or a whole number from 0 to 1000",
             "Sessions kept ready for nobody yet; 0 for none; auto for as many as are likely to be asked for (docs/POOL.md)"},
     .number = &Settings::warm_pool_size,
     .min = 0,
     .max = 1000,
     .has_auto = true},
    {.row = {"WARM_POOL_MAX", "20", "a whole number from 0 to 1000", "The most that WARM_POOL_SIZE=auto keeps ready"},
     .number = &Settings::warm_pool_max,
     .min = 0,
     .max = 1000},
    {.row = {"POOL_MISS_TARGET", "1", "a number above 0 up to 50; fractions are allowed",
             "Of a hundred people, so many may find nothing ready with WARM_POOL_SIZE=auto"},
     .real = &Settings::pool_miss_target,
     .most = 50},
    {.row = {"WARM_POOL_SCHEDULE", "", "shifts such as mon-fri 07:30-09:30 20; sat,sun 08:00-12:00 5",
             "Hours at which at least so many are ready from the first minute on, whatever WARM_POOL_SIZE says"},
     .text = &Settings::warm_pool_schedule,
     .accept = accept_shifts},
    {.row = {"RECYCLE", "unwatched", "unwatched, oldest or never",
             "Whose session a newcomer may be given when no port is free: one that nobody watches, the one accessed longest ago, nobody's"},
     .text = &Settings::recycle,
     .accept = accept_recycle},
    {.row = {"VIEWER_CHECK_SECONDS", "10", "a whole number from 0 to 3600",
             "Seconds between two looks at who watches a session; 0 to never look and go by accesses alone"},
     .number = &Settings::viewer_check_seconds,
     .min = 0,
     .max = 3600},
    {.row = {"MAX_SESSION_HOURS", "off", "off, or a number above 0 up to 87600; fractions are allowed",
             "Hours after which a session ends as soon as nobody watches it"},
     .real = &Settings::max_session_hours,
     .most = 87600,
     .has_off = true},
    {.row = {"VNC_APPNAME", "firefox-kiosk https://google.com", "a command with arguments, in one line",
             "Command that a session runs"},
     .banner = "APPNAME",
     .text = &Settings::vnc_appname,
     .accept = accept_plain},
    {.row = {"VNC_WIDTH", "410", kSizeAllowed, "Width of the screen for those who ask for none, in pixels"},
     .banner = "WIDTH",
     .number = &Settings::vnc_width,
     .min = kSizeMin,
     .max = kSizeMax},
    {.row = {"VNC_HEIGHT", "900", kSizeAllowed, "Height of the screen for those who ask for none, in pixels"},
     .banner = "HEIGHT",
     .number = &Settings::vnc_height,
     .min = kSizeMin,
     .max = kSizeMax},
    {.row = {"ORCHESTRATOR_HOST", "0.0.0.0", "an IP address or host name of this machine",
             "Address on which the orchestrator listens"},
     .at_start = true,
     .text = &Settings::orchestrator_host,
     .accept = accept_listen},
    {.row = {"ALLOWED_HOSTS", "", "host names, each perhaps with a port, separated by commas",
             "Names by which administrators' routes may be asked for, besides VNC_HOST, addresses, localhost and names without a dot"},
     .text = &Settings::allowed_hosts,
     .accept = accept_hosts},
    {.row = {"ADMIN_TOKEN", "", "16 to 256 letters, digits and any of -._~+/=, such as 'openssl rand -hex 32' prints",
             "What all routes but /access, /health and /ready then want as Authorization: Bearer; without it nothing"},
     .text = &Settings::admin_token,
     .is_secret = true,
     .accept = accept_token},
    {.row = {"ADMIN_LISTEN", "", "an IP address and port such as 127.0.0.1:8081, or unix:/path/of/socket",
             "Address of its own for all routes; ORCHESTRATOR_PORT then has /access, /health and /ready alone"},
     .at_start = true,
     .text = &Settings::admin_listen,
     .accept = accept_place},
    {.row = {"VNC_SCHEME", "https", "http or https", "Scheme of the links that clients are sent to"},
     .text = &Settings::vnc_scheme,
     .accept = accept_scheme},
    {.row = {"READY_TIMEOUT_SECONDS", "60", "a whole number from 1 to 3600",
             "Seconds that a new session may take until it is ready"},
     .number = &Settings::ready_timeout_seconds,
     .min = 1,
     .max = 3600},
    {.row = {"MAX_CONNECTIONS", "12000", "a whole number from 16 to 1000000",
             "Connections that clients may hold open at once; beyond it each new one closes the one idle for longest"},
     .at_start = true,
     .number = &Settings::max_connections,
     .min = 16,
     .max = 1000000},
    {.row = {"MAX_WAITING", "4000", "a whole number from 1 to 500000",
             "Accesses that may wait for their session at once, at most half of the connections; others are told to try again"},
     .number = &Settings::max_waiting,
     .min = 1,
     .max = 500000},
    {.row = {"LOG_DIR", "logs", "a path of a folder, or -", "Folder of the log files, one a day, kept for seven days; - for stderr alone"},
     .at_start = true,
     .text = &Settings::log_dir,
     .accept = accept_plain},
    {.row = {"LOG_FORMAT", "text", "text or json", "How a line of the log looks; json is one object a line"},
     .at_start = true,
     .text = &Settings::log_format,
     .accept = accept_log_format},
    {.row = {"LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR", "Least important lines that are logged"},
     .level = &Settings::log_level},
    {.row = {"MASK_IDS", "off", "on or off", "Clients shown as ***.222.333-** in the log; containers are then called after a keyed hash of their client"},
     .at_start = true,
     .text = &Settings::mask_ids,
     .accept = accept_switch},
    {.row = {"VNC_BIND", "0.0.0.0", "an IP address of this machine", "Address on which session ports are published"},
     .text = &Settings::vnc_bind,
     .accept = accept_address},
    {.row = {"VNC_TLS_CERT", "", kSecretAllowed,
             "Certificate for the sessions, a file on the Docker host; without one the daemon makes one for all, beside STATE_FILE"},
     .text = &Settings::vnc_tls_cert,
     .accept = accept_host_path},
    {.row = {"VNC_TLS_KEY", "", kSecretAllowed, "Key of that certificate"},
     .text = &Settings::vnc_tls_key,
     .accept = accept_host_path},
    {.row = {"VNC_ACCESS_URL", "", "an http or https URL",
             "Where people ask for a session, offered to them when theirs has ended; without it no link is offered"},
     .text = &Settings::vnc_access_url,
     .accept = accept_web_url},
    {.row = {"VNC_KEYBOARD", "auto", "auto, or a keyboard layout such as br or us:intl",
             "Keyboard of the people who type; auto serves those whose keyboard is not known"},
     .text = &Settings::vnc_keyboard,
     .accept = accept_keyboard},
    {.row = {"VNC_CLIPBOARD", "both", "both, in, out or off",
             "Where copied text may go: in is into the session, out is from it"},
     .text = &Settings::vnc_clipboard,
     .accept = accept_clipboard},
    {.row = {"VNC_ALLOW_URLS", "", "patterns of URLs in one line, separated by blanks or commas",
             "What sessions may open; without it everything"},
     .text = &Settings::vnc_allow_urls,
     .accept = accept_plain},
    {.row = {"VNC_CA_DIR", "", "an absolute path",
             "Folder on the Docker host with certificates of authorities that sessions trust besides the public ones"},
     .text = &Settings::vnc_ca_dir,
     .accept = accept_host_path},
    {.row = {"VNC_PROXY", "", "http://, https:// or socks5:// with host and port, or the URL of a PAC file; name:password@ may stand before the host",
             "Proxy of the sessions; a URL that does not end in .pac is one of a PAC file with pac+ before it"},
     .text = &Settings::vnc_proxy,
     .is_login_url = true,
     .accept = accept_proxy},
    {.row = {"VNC_NO_PROXY", "", "host names, .domains, addresses and subnets, separated by commas",
             "What sessions reach without the proxy"},
     .text = &Settings::vnc_no_proxy,
     .accept = accept_exceptions},
    {.row = {"VNC_DNS", "", "IP addresses, separated by commas", "Name servers of the sessions; without them the engine's"},
     .text = &Settings::vnc_dns,
     .accept = accept_addresses},
    {.row = {"VNC_MEMORY_MB", "2048", "a whole number from 64 to 1048576, or off", "Megabytes of memory that one session may use, with no swap beside it"},
     .number = &Settings::vnc_memory_mb,
     .min = 64,
     .max = 1048576,
     .has_off = true},
    {.row = {"VNC_CPUS", "2", "a number above 0, at most 1024, or off", "Processors that one session may keep busy"},
     .real = &Settings::vnc_cpus,
     .most = 1024,
     .has_off = true},
    {.row = {"VNC_PIDS", "1024", "a whole number from 64 to 1000000, or off", "Processes and threads that one session may have at once"},
     .number = &Settings::vnc_pids,
     .min = 64,
     .max = 1000000,
     .has_off = true},
    {.row = {"VNC_CAPS", "CHOWN,DAC_OVERRIDE,SETGID,SETPCAP,SETUID", "names of Linux capabilities, separated by commas; none; or engine",
             "Capabilities that a session's first program has, all others are dropped; engine drops none and lets programs gain more"},
     .text = &Settings::vnc_caps,
     .accept = accept_capabilities},
    {.row = {"FIREWALL", "on", "on or off", "Rules of our own in this machine's packet filter, which keep sessions from its addresses and from those of a cloud's metadata"},
     .text = &Settings::firewall,
     .accept = accept_switch},
    {.row = {"SESSION_ALLOW", "", "IP addresses of this machine, each perhaps with a port, separated by commas; IPv6 in brackets",
             "What sessions may reach all the same with FIREWALL=on, such as a page or a VNC_PROXY that this machine itself serves"},
     .text = &Settings::session_allow,
     .accept = accept_allowed},
    {.row = {"VNC_LANG", "pt-BR", "language tags such as pt-BR, separated by commas, the best first",
             "Languages that the browser speaks and asks pages for"},
     .text = &Settings::vnc_lang,
     .accept = accept_languages},
    {.row = {"TZ", "", "a time zone such as America/Sao_Paulo",
             "Time zone of the sessions and of the log; without it that of this machine"},
     .at_start = true,
     .text = &Settings::tz,
     .accept = accept_time_zone},
    {.row = {"DOCKER_HOST", "unix:///var/run/docker.sock", "unix:///path/of/socket or tcp://host:port",
             "Docker engine to use"},
     .at_start = true,
     .text = &Settings::docker_host,
     .accept = accept_engine},
    {.row = {"DOCKER_TLS_VERIFY", "", "empty, or anything at all: 0 and no turn it on too, as with the docker command",
             "TLS with an engine at tcp://, which must show a certificate of ca.pem in DOCKER_CERT_PATH"},
     .at_start = true,
     .text = &Settings::docker_tls_verify,
     .accept = accept_plain},
    {.row = {"DOCKER_CERT_PATH", "", "an absolute path of a folder",
             "Folder of ca.pem, cert.pem and key.pem for DOCKER_TLS_VERIFY; without it that of the docker command, ~/.docker"},
     .at_start = true,
     .text = &Settings::docker_cert_path,
     .accept = accept_host_path},
};

constexpr auto kRows = [] {
  std::array<SettingRow, std::size(kFields)> rows{};
  std::transform(std::begin(kFields), std::end(kFields), rows.begin(), [](const Field& field) { return field.row; });
  return rows;
}();

constexpr std::array<const char*, 4> kLevels = {"DEBUG", "INFO", "WARNING", "ERROR"};  // in LogLevel's order

bool read_field(const Field& field, std::string_view text, Settings* out) {
  if (field.text != nullptr) return field.accept(text, &(out->*field.text));
  if (field.number != nullptr) {
    long value = 0;
    if (field.has_off && text == "off") {
      out->*field.number = 0;
      return true;
    }
    if (field.has_auto && text == "auto") {
      out->*field.number = kPoolAuto;
      return true;
    }
    if (!text_to_int(text, field.min, field.max, &value)) return false;
    out->*field.number = static_cast<int>(value);
    return true;
  }
  if (field.real != nullptr) {
    double value = 0;
    if (field.has_off && text == "off") {
      out->*field.real = 0;
      return true;
    }
    if (!text_to_double(text, &value) || value <= 0 || value > field.most) return false;
    out->*field.real = value;
    return true;
  }
  const auto level = std::find(kLevels.begin(), kLevels.end(), text_upper(text));
  if (level == kLevels.end()) return false;
  out->*field.level = static_cast<LogLevel>(level - kLevels.begin());
  return true;
}

std::string without_secret(const Field& field, const std::string& text) {
  if (field.is_secret) return text.empty() ? "" : "***";
  return field.is_login_url ? text_without_password(text) : text;
}

std::string show_field(const Field& field, const Settings& settings) {
  if (field.text != nullptr) return without_secret(field, settings.*field.text);
  if (field.has_auto && settings.*field.number == kPoolAuto) return "auto";
  if (field.has_off && field.number != nullptr && settings.*field.number == 0) return "off";
  if (field.number != nullptr) return std::to_string(settings.*field.number);
  if (field.has_off && settings.*field.real == 0) return "off";
  if (field.real != nullptr) {
    std::array<char, 32> text;
    const auto [end, fault] = std::to_chars(text.data(), text.data() + text.size(), settings.*field.real);
    return fault == std::errc() ? std::string(text.data(), end) : std::string();
  }
  return kLevels[static_cast<size_t>(settings.*field.level)];
}

// ---- reading ----------------------------------------------------------------------------------------------------------

// The last one counts; blank is as good as absent.
std::optional<std::string> find(const NameValues& values, std::string_view name) {
  for (auto one = values.rbegin(); one != values.rend(); ++one) {
    if (one->first != name) continue;
    const std::string_view value = text_trim(one->second);
    return value.empty() ? std::nullopt : std::optional<std::string>(value);
  }
  return std::nullopt;
}

std::string complaint(const char* name, std::string_view value, std::string_view problem) {
  return std::string(name) + "=" + text_one_line(value, 120) + ": " + std::string(problem);
}

// What one value alone cannot tell. `good` says which fields were read.
struct Judge {
  const Settings& settings;
  const std::vector<const char*>& bad;
  std::vector<std::string>* errors;
};

bool all_good(const Judge& judge, std::initializer_list<std::string_view> names) {
  return std::none_of(judge.bad.begin(), judge.bad.end(),
                      [&](std::string_view bad) { return std::find(names.begin(), names.end(), bad) != names.end(); });
}

void judge_ports(const Judge& judge) {
  const Settings& settings = judge.settings;
  if (!all_good(judge, {"PORT_RANGE_MIN", "PORT_RANGE_MAX"})) return;
  const int ports = settings.port_range_max - settings.port_range_min + 1;
  const std::string range = std::to_string(settings.port_range_min) + " to " + std::to_string(settings.port_range_max);
  if (ports < 1) {
    judge.errors->push_back(
        complaint("PORT_RANGE_MIN", std::to_string(settings.port_range_min),
                  "must not be above PORT_RANGE_MAX, which is " + std::to_string(settings.port_range_max)));
    return;
  }
  if (ports > kPortsMost) {
    judge.errors->push_back(complaint("PORT_RANGE_MAX", std::to_string(settings.port_range_max),
                                      "the range " + range + " has " + std::to_string(ports) + " ports; at most " +
                                          std::to_string(kPortsMost) + " are allowed"));
  }
  int prefix = 0;
  if (all_good(judge, {"DOCKER_NETWORK_SUBNET"}) && shape_parse_subnet(settings.docker_network_subnet, &prefix) &&
      ports > shape_subnet_room(prefix)) {
    judge.errors->push_back(complaint("DOCKER_NETWORK_SUBNET", settings.docker_network_subnet,
                                      "has room for " + std::to_string(shape_subnet_room(prefix)) +
                                          " containers, but PORT_RANGE_MIN and " + "PORT_RANGE_MAX ask for " +
                                          std::to_string(ports) + "; take a larger subnet or fewer ports"));
  }
  if (all_good(judge, {"ORCHESTRATOR_PORT"}) && settings.orchestrator_port >= settings.port_range_min &&
      settings.orchestrator_port <= settings.port_range_max) {
    judge.errors->push_back(complaint("ORCHESTRATOR_PORT", std::to_string(settings.orchestrator_port),
                                      "must be outside the range of session ports, " + range));
  }
}

void judge_admin_port(const Judge& judge) {
  const Settings& settings = judge.settings;
  if (settings.admin_listen.empty() || settings.admin_listen.starts_with("unix:")) return;
  if (!all_good(judge, {"PORT_RANGE_MIN", "PORT_RANGE_MAX", "ORCHESTRATOR_PORT", "ADMIN_LISTEN"})) return;
  long port = 0;
  text_to_int(std::string_view(settings.admin_listen).substr(settings.admin_listen.rfind(':') + 1), 1, kPortMost, &port);
  if (port != settings.orchestrator_port && (port < settings.port_range_min || port > settings.port_range_max)) return;
  judge.errors->push_back(complaint("ADMIN_LISTEN", settings.admin_listen, "must have a port that is neither ORCHESTRATOR_PORT nor one of the sessions"));
}

void judge_secrets(const Judge& judge) {
  if (!all_good(judge, {"VNC_TLS_CERT", "VNC_TLS_KEY"})) return;
  const Settings& settings = judge.settings;
  if (settings.vnc_tls_cert.empty() == settings.vnc_tls_key.empty()) return;
  const bool has_cert = !settings.vnc_tls_cert.empty();
  judge.errors->push_back(
      complaint(has_cert ? "VNC_TLS_CERT" : "VNC_TLS_KEY", has_cert ? settings.vnc_tls_cert : settings.vnc_tls_key,
                std::string("needs ") + (has_cert ? "VNC_TLS_KEY" : "VNC_TLS_CERT") + " too; set both or none"));
}

// The docker command's own defaults for TLS, and what an administrator should know about the way to the engine.
void settle_engine(const NameValues& environment, Settings* settings, std::vector<std::string>* errors, std::vector<std::string>* warnings) {
  const bool tls = !settings->docker_tls_verify.empty(), tcp = settings->docker_host.starts_with("tcp://");
  if (tls && settings->docker_cert_path.empty()) {
    const std::optional<std::string> config = find(environment, "DOCKER_CONFIG"), home = find(environment, "HOME");
    settings->docker_cert_path = config ? *config : home ? *home + "/.docker" : "";
    if (settings->docker_cert_path.empty() && tcp) errors->push_back(complaint("DOCKER_CERT_PATH", "", "is needed with DOCKER_TLS_VERIFY, since there is no HOME to look in"));
  }
  if (tls && !tcp) warnings->push_back("DOCKER_TLS_VERIFY is of no use for DOCKER_HOST=" + settings->docker_host + ": TLS is for tcp:// alone");
  if (!tls && tcp)
    warnings->push_back("DOCKER_HOST=" + settings->docker_host +
                        " is spoken to without TLS: whoever is on the way can read and order everything, and whoever reaches that port is root there. "
                        "Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH");
}

// ---- showing ----------------------------------------------------------------------------------------------------------

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

constexpr size_t kNameWidth = 24;  // of the longest name
static_assert(std::all_of(std::begin(kRows), std::end(kRows),
                          [](const SettingRow& row) { return std::string_view(row.name).size() <= kNameWidth; }));

}  // namespace

const SettingRow* settings_rows(size_t* count) {
  *count = kRows.size();
  return kRows.data();
}

bool settings_read(const NameValues& file, const NameValues& environment, Settings* out,
                   std::vector<std::string>* errors, std::vector<std::string>* warnings) {
  Settings settings;
  std::vector<const char*> bad;
  std::vector<std::string> found;
  for (const Field& field : kFields) {
    const char* name = field.row.name;
    std::optional<std::string> value = find(environment, name);
    const bool from_environment = value.has_value();
    if (!value) value = find(file, name);
    if (!value && field.row.default_text[0] == '\0') continue;
    if (read_field(field, value ? *value : field.row.default_text, &settings)) continue;
    bad.push_back(name);
    found.push_back(
        complaint(name, without_secret(field, value.value_or("")),
                  std::string("must be ") + field.row.allowed + (from_environment ? " (set in the environment)" : "")));
  }
  const Judge judge = {settings, bad, &found};
  judge_ports(judge);
  judge_admin_port(judge);
  judge_secrets(judge);
  settle_engine(environment, &settings, &found, warnings);
  for (const auto& [name, value] : file) {
    std::string warning = typo_warning(name, kRows);
    if (!warning.empty()) warnings->push_back(std::move(warning));
  }
  if (!found.empty()) {
    errors->insert(errors->end(), found.begin(), found.end());
    return false;
  }
  *out = std::move(settings);
  return true;
}

// Whether it is the same in both, and, with `copy`, made so.
static bool same_field(const Field& field, const Settings& from, Settings* to, bool copy) {
  const auto compare = [&](auto member) {
    if (member == nullptr) return true;
    const bool same = from.*member == to->*member;
    if (copy) to->*member = from.*member;
    return same;
  };
  return compare(field.text) && compare(field.number) && compare(field.real) && compare(field.level);
}

std::vector<SettingChange> settings_adopt(const Settings& now, Settings* next) {
  std::vector<SettingChange> changes;
  for (const Field& field : kFields) {
    if (same_field(field, now, next, false)) continue;
    changes.push_back({field.row.name, show_field(field, now), show_field(field, *next), field.at_start});
    if (field.at_start) same_field(field, now, next, true);
  }
  return changes;
}

std::string settings_help() {
  const std::string indent(kNameWidth + 4, ' ');
  std::string out;
  for (const Field& field : kFields) {
    const SettingRow& row = field.row;
    out += "  " + padded(row.name, kNameWidth) + "  " + row.help + "\n";
    out += indent + "default: " + (row.default_text[0] != '\0' ? row.default_text : "none") + "\n";
    out += indent + "allowed: " + row.allowed + "\n";
    if (field.at_start) out += indent + "read at the start alone\n";
  }
  return out;
}

std::string settings_example() {
  std::string out =
      "# Settings of the VNC orchestrator, with their defaults. Copy this file to .env and change what you need.\n"
      "# The environment wins over .env; an empty value counts as not set.\n"
      "# Quotes are needed only around a value with ' #' in it.\n";
  for (const Field& field : kFields) {
    const SettingRow& row = field.row;
    out += std::string("\n# ") + row.help + ".\n# Allowed: " + row.allowed + ".\n" + (field.at_start ? "# Read at the start alone.\n" : "") + row.name + "=" +
           row.default_text + "\n";
  }
  return out;
}

std::string settings_values(const Settings& settings) {
  std::string out;
  for (const Field& field : kFields) out += std::string(field.row.name) + "=" + show_field(field, settings) + "\n";
  return out;
}

std::vector<std::string> settings_banner(const Settings& settings) {
  static constexpr std::array kDocumented = {"IMAGE", "CONTAINER_PORT", "PORT_RANGE",   "APPNAME",
                                             "WIDTH", "HEIGHT",         "NETWORK_NAME", "NETWORK_SUBNET"};
  static constexpr size_t kDocumentedWidth = 15;
  std::vector<std::string> out = {"========== DOCKER CONFIG =========="};
  for (const std::string_view label : kDocumented) {
    const Field* field = std::find_if(std::begin(kFields), std::end(kFields),
                                      [&](const Field& one) { return one.banner != nullptr && label == one.banner; });
    std::string value = show_field(*field, settings);
    if (label == "PORT_RANGE") {
      value += " - " + std::to_string(settings.port_range_max) + " (" +
               std::to_string(settings.port_range_max - settings.port_range_min + 1) + " slots)";
    }
    out.push_back("  " + padded(std::string(label), kDocumentedWidth) + " = " + value);
  }
  for (const Field& field : kFields) {
    if (field.banner != nullptr || field.number == &Settings::port_range_max) continue;
    out.push_back("  " + padded(field.row.name, kNameWidth) + " = " + show_field(field, settings));
  }
  out.emplace_back("====================================");
  return out;
}
