// Every setting of the daemon: one table, from which values, --help, the banner and .env.example all come.
#ifndef CODEC_SETTINGS_H
#define CODEC_SETTINGS_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/container.h"
#include "codec/log_level.h"
#include "core/types.h"

inline constexpr const char* kOwnImage = "localhost/vnc-orchestrator-session:latest";

struct Settings {
  std::string vnc_host;
  std::string vnc_image;
  int vnc_container_port = 0;
  int port_range_min = 0;
  int port_range_max = 0;
  int orchestrator_port = 0;
  std::string state_file;
  std::string docker_network_name;
  std::string docker_network_subnet;
  double idle_timeout_hours = 0;
  double cleanup_interval_minutes = 0;
  int warm_pool_size = 0;        // or kPoolAuto
  int warm_pool_max = 0;         // of kPoolAuto
  double pool_miss_target = 0;   // in percent
  std::string warm_pool_schedule;  // shifts_parse reads it
  std::string recycle;
  int viewer_check_seconds = 0;  // 0: never
  double max_session_hours = 0;  // 0: no limit
  std::string vnc_appname;
  int vnc_width = 0;
  int vnc_height = 0;
  std::string orchestrator_host;
  std::string allowed_hosts;  // with commas between
  std::string admin_token;    // a secret: shown nowhere; empty: none is asked for
  std::string admin_listen;   // "127.0.0.1:8081" or "unix:/path"; empty: all routes are on ORCHESTRATOR_PORT
  std::string vnc_scheme;
  int max_connections = 0;
  int max_waiting = 0;
  int ready_timeout_seconds = 0;
  std::string log_dir;
  std::string log_format;  // text, or kLogJson
  std::string mask_ids;    // kOn, or off
  LogLevel log_level = LogLevel::Info;
  std::string vnc_bind;
  std::string vnc_tls_cert;  // host paths; both or none
  std::string vnc_tls_key;
  std::string vnc_access_url;  // empty: a page whose session has ended offers no link
  std::string vnc_keyboard;
  std::string vnc_clipboard;
  std::string vnc_allow_urls;
  std::string vnc_ca_dir;  // host path
  std::string vnc_proxy;
  std::string vnc_no_proxy;
  std::string vnc_dns;   // addresses with commas between
  int vnc_memory_mb = 0;  // MiB; 0: no limit
  double vnc_cpus = 0;    // 0: no limit
  int vnc_pids = 0;       // 0: no limit
  std::string vnc_caps;   // kCapsNone, kCapsOfEngine, or names with commas between
  std::string firewall;       // kOn, kOff
  std::string session_allow;  // with commas between
  std::string vnc_lang;  // tags with commas between
  std::string tz;        // empty: nobody said
  std::string docker_host;  // "unix:///var/run/docker.sock" or "tcp://host:port"
  std::string docker_tls_verify;  // anything at all: TLS, and the engine must prove who it is
  std::string docker_cert_path;    // of ca.pem, cert.pem, key.pem; with docker_tls_verify and tcp:// never empty
};

// A row of the table: what --help, .env.example and the lint script show.
struct SettingRow {
  const char* name;
  const char* default_text;
  const char* allowed;  // in words, as the error shows it
  const char* help;     // one line
};
const SettingRow* settings_rows(size_t* count);

using NameValues = std::vector<std::pair<std::string, std::string>>;

// A .env file as python-dotenv reads it: comments, `export`, single and double quotes with their escapes, blanks in values, inline
// comments after a blank, multi-line quoted values, ${NAME} and ${NAME:-default} expansion from what stands above and `environment`.
// A line it cannot read is a warning with its number and is passed over. Later lines win.
NameValues dotenv_parse(std::string_view text, const NameValues& environment, std::vector<std::string>* warnings);

// Settings from the file's values and the environment (the environment wins; an empty value counts as not set). All bad values are
// reported at once, each as one line: the variable, the value, what is allowed. Also checked: min <= max, at most 1,000 ports,
// no more ports than the subnet has addresses for containers, ORCHESTRATOR_PORT outside the range, TLS paths both or none.
// Warnings: a variable of the file that looks like a typing error of ours (near a known name, or VNC_/PORT_/DOCKER_/WARM_... unknown).
// False when there is an error; *out is then untouched.
bool settings_read(const NameValues& file, const NameValues& environment, Settings* out, std::vector<std::string>* errors,
                   std::vector<std::string>* warnings);

// A setting that is another one than before, as --check-config shows it: secrets stay hidden.
struct SettingChange {
  const char* name;
  std::string from, to;
  bool waits;  // for the next start: it is one that is read then alone
};
// What takes the place of `now` while the daemon runs: *next, in which those that wait for the next start are as they are now. In the table's order.
std::vector<SettingChange> settings_adopt(const Settings& now, Settings* next);

std::string settings_help();     // the settings part of --help
std::string settings_example();  // .env.example, whole
std::string settings_values(const Settings& settings);  // NAME=value a line, in table order: --check-config
// The start banner of the document's example (CONFIG block), one element a line, without tags.
std::vector<std::string> settings_banner(const Settings& settings);

// Of everything a session's container is born with: image, command, size, environment, mounts. 16 hex digits. A pool container is
// handed out only if its fingerprint is today's. Stable across versions of the daemon for the same values.
std::string settings_fingerprint(const Settings& settings);

// What to ask of the engine for one session. `run` and `job` become labels. A setting VNC_X that sessions must know is their X
// (VNC_LANG, whose name is the C library's, their SESSION_LANG; TZ is TZ), where it is set; VNC_TLS_* are mounted at
// /run/vnc-tls/cert.pem and key.pem, VNC_CA_DIR at /run/session-ca, all read-only.
LaunchSpec settings_launch_spec(const Settings& settings, const std::string& name, int port, Size size, const std::string& run,
                                const std::string& job);

#endif
