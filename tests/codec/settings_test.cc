// The table of settings: what is read from it, refused by it and shown of it.
#include "codec/settings.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <memory>

#include "support/cmocka_cc.h"

struct Outcome {
  bool good = false;
  Settings settings;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

static Outcome read(const NameValues& file, const NameValues& environment = {}) {
  Outcome outcome;
  outcome.settings.vnc_host = "untouched";
  outcome.good = settings_read(file, environment, &outcome.settings, &outcome.errors, &outcome.warnings);
  assert_true(outcome.good == outcome.errors.empty());
  if (!outcome.good) assert_string_equal(outcome.settings.vnc_host.c_str(), "untouched");
  return outcome;
}

static Settings good(const NameValues& file, const NameValues& environment = {}) {
  const Outcome outcome = read(file, environment);
  if (!outcome.good) fail_msg("refused: %s", outcome.errors[0].c_str());
  return outcome.settings;
}

static void assert_error(const NameValues& file, const char* wanted) {
  const Outcome outcome = read(file);
  if (outcome.errors.size() != 1) fail_msg("%s: %zu errors", wanted, outcome.errors.size());
  assert_string_equal(outcome.errors[0].c_str(), wanted);
}

// With this value alone the outcome is refused (or not), and the only error names the variable.
static void assert_values(const char* name, std::initializer_list<const char*> fine,
                          std::initializer_list<const char*> wrong) {
  for (const char* value : fine) {
    const Outcome outcome = read({{name, value}});
    if (!outcome.good) fail_msg("%s", outcome.errors[0].c_str());
  }
  for (const char* value : wrong) {
    const Outcome outcome = read({{name, value}});
    if (outcome.good) fail_msg("accepted: %s=%s", name, value);
    assert_int_equal(outcome.errors.size(), 1);
    const std::string begin = std::string(name) + "=";
    if (!outcome.errors[0].starts_with(begin)) fail_msg("%s", outcome.errors[0].c_str());
    if (outcome.errors[0].find(": must be ") == std::string::npos) fail_msg("%s", outcome.errors[0].c_str());
  }
}

static void test_a_reload_takes_what_it_can(void**) {
  const Settings now = good({{"VNC_WIDTH", "800"}, {"ADMIN_TOKEN", "0123456789abcdef"}, {"STATE_FILE", "a.json"}});
  Settings next = good({{"IDLE_TIMEOUT_HOURS", "2"}, {"ADMIN_TOKEN", "fedcba9876543210"}, {"STATE_FILE", "b.json"}, {"LOG_LEVEL", "DEBUG"}});
  const std::vector<SettingChange> changes = settings_adopt(now, &next);
  std::string told;
  for (const SettingChange& one : changes) told += std::string(one.name) + ":" + one.from + ">" + one.to + (one.waits ? "!" : "") + " ";
  assert_string_equal(told.c_str(), "STATE_FILE:a.json>b.json! IDLE_TIMEOUT_HOURS:8>2 VNC_WIDTH:800>410 ADMIN_TOKEN:***>*** LOG_LEVEL:INFO>DEBUG ");
  assert_string_equal(next.state_file.c_str(), "a.json");
  assert_string_equal(next.admin_token.c_str(), "fedcba9876543210");
  assert_int_equal(next.vnc_width, 410);
  Settings same = now;
  assert_true(settings_adopt(now, &same).empty());
}

// The document's table, and ours.
static void test_defaults(void**) {
  const Settings s = good({});
  assert_string_equal(s.vnc_host.c_str(), "localhost");
  assert_string_equal(s.vnc_image.c_str(), "localhost/vnc-orchestrator-session:latest");
  assert_int_equal(s.vnc_container_port, 6080);
  assert_int_equal(s.port_range_min, 5000);
  assert_int_equal(s.port_range_max, 5003);
  assert_int_equal(s.orchestrator_port, 8080);
  assert_string_equal(s.state_file.c_str(), "state.json");
  assert_string_equal(s.docker_network_name.c_str(), "vnc_network");
  assert_string_equal(s.docker_network_subnet.c_str(), "10.10.0.0/24");
  assert_true(s.idle_timeout_hours == 8);
  assert_true(s.cleanup_interval_minutes == 30);
  assert_int_equal(s.warm_pool_size, 1);
  assert_string_equal(s.vnc_appname.c_str(), "firefox-kiosk https://google.com");
  assert_int_equal(s.vnc_width, 410);
  assert_int_equal(s.vnc_height, 900);
  assert_string_equal(s.orchestrator_host.c_str(), "0.0.0.0");
  assert_string_equal(s.allowed_hosts.c_str(), "");
  assert_string_equal(s.vnc_scheme.c_str(), "https");
  assert_int_equal(s.ready_timeout_seconds, 60);
  assert_string_equal(s.log_dir.c_str(), "logs");
  assert_true(s.log_level == LogLevel::Info);
  assert_string_equal(s.vnc_bind.c_str(), "0.0.0.0");
  assert_string_equal(s.vnc_tls_cert.c_str(), "");
  assert_string_equal(s.vnc_tls_key.c_str(), "");
  assert_string_equal(s.vnc_access_url.c_str(), "");
  assert_int_equal(s.vnc_memory_mb, 2048);
  assert_true(s.vnc_cpus == 2);
  assert_int_equal(s.vnc_pids, 1024);
  assert_string_equal(s.vnc_caps.c_str(), "CHOWN,DAC_OVERRIDE,SETGID,SETPCAP,SETUID");
  assert_string_equal(s.docker_host.c_str(), "unix:///var/run/docker.sock");
}

// Each row reads into a place of its own: no two rows share one, none is forgotten.
static void test_every_row_has_its_own_place(void**) {
  size_t count = 0;
  const SettingRow* rows = settings_rows(&count);
  assert_int_equal(count, 55);
  const NameValues others = {{"VNC_HOST", "h"},
                             {"VNC_IMAGE", "i"},
                             {"VNC_CONTAINER_PORT", "1"},
                             {"PORT_RANGE_MIN", "4999"},
                             {"PORT_RANGE_MAX", "5004"},
                             {"ORCHESTRATOR_PORT", "4"},
                             {"STATE_FILE", "f"},
                             {"DOCKER_NETWORK_NAME", "n"},
                             {"DOCKER_NETWORK_SUBNET", "10.0.0.0/8"},
                             {"IDLE_TIMEOUT_HOURS", "0.5"},
                             {"CLEANUP_INTERVAL_MINUTES", "0.25"},
                             {"WARM_POOL_SIZE", "6"},
                             {"WARM_POOL_MAX", "7"},
                             {"POOL_MISS_TARGET", "0.125"},
                             {"WARM_POOL_SCHEDULE", "07:30-09:30 20"},
                             {"RECYCLE", "never"},
                             {"VIEWER_CHECK_SECONDS", "5"},
                             {"MAX_SESSION_HOURS", "0.75"},
                             {"VNC_APPNAME", "a"},
                             {"VNC_WIDTH", "64"},
                             {"VNC_HEIGHT", "65"},
                             {"ORCHESTRATOR_HOST", "::"},
                             {"ALLOWED_HOSTS", "a.b,c.d:81"},
                             {"ADMIN_TOKEN", "0123456789abcdef"},
                             {"ADMIN_LISTEN", "127.0.0.1:8081"},
                             {"VNC_SCHEME", "http"},
                             {"READY_TIMEOUT_SECONDS", "7"},
                             {"MAX_CONNECTIONS", "500"},
                             {"MAX_WAITING", "100"},
                             {"LOG_DIR", "l"},
                             {"LOG_LEVEL", "DEBUG"},
                             {"LOG_FORMAT", "json"},
                             {"MASK_IDS", "on"},
                             {"VNC_BIND", "::1"},
                             {"VNC_TLS_CERT", "/c"},
                             {"VNC_TLS_KEY", "/k"},
                             {"VNC_ACCESS_URL", "http://h/"},
                             {"VNC_KEYBOARD", "br"},
                             {"VNC_CLIPBOARD", "in"},
                             {"VNC_ALLOW_URLS", "https://a/*"},
                             {"VNC_CA_DIR", "/ca"},
                             {"VNC_PROXY", "http://p:1"},
                             {"VNC_NO_PROXY", "h"},
                             {"VNC_DNS", "10.0.0.1"},
                             {"VNC_MEMORY_MB", "512"},
                             {"VNC_CPUS", "0.5"},
                             {"VNC_PIDS", "off"},
                             {"VNC_CAPS", "CHOWN"},
                             {"FIREWALL", "off"},
                             {"SESSION_ALLOW", "192.0.2.1:80"},
                             {"VNC_LANG", "en"},
                             {"TZ", "UTC"},
                             {"DOCKER_HOST", "unix:///s"},
                             {"DOCKER_TLS_VERIFY", "1"},
                             {"DOCKER_CERT_PATH", "/certs"}};
  std::string wanted;
  for (size_t i = 0; i < count; i++) {
    const auto one =
        std::find_if(others.begin(), others.end(), [&](const auto& pair) { return pair.first == rows[i].name; });
    if (one == others.end()) fail_msg("%s is not tested here", rows[i].name);
    assert_string_not_equal(one->second.c_str(), rows[i].default_text);
    wanted += one->first + "=" + (one->first == "ADMIN_TOKEN" ? "***" : one->second) + "\n";
  }
  assert_string_equal(settings_values(good(others)).c_str(), wanted.c_str());
  assert_string_equal(settings_values(good({}, others)).c_str(), wanted.c_str());
}

// As the docker command: what is set turns TLS on, whatever it says, and the files are in ~/.docker or DOCKER_CONFIG if nothing else is said.
static void test_tls_with_the_engine(void**) {
  const NameValues home = {{"HOME", "/home/ana"}};
  assert_string_equal(good({{"DOCKER_TLS_VERIFY", "0"}, {"DOCKER_HOST", "tcp://h:2376"}}, home).docker_cert_path.c_str(), "/home/ana/.docker");
  assert_string_equal(good({{"DOCKER_TLS_VERIFY", "1"}, {"DOCKER_HOST", "tcp://h:2376"}}, {{"HOME", "/h"}, {"DOCKER_CONFIG", "/c"}}).docker_cert_path.c_str(), "/c");
  assert_string_equal(good({{"DOCKER_TLS_VERIFY", "1"}, {"DOCKER_CERT_PATH", "/p"}, {"DOCKER_HOST", "tcp://h:2376"}}, home).docker_cert_path.c_str(), "/p");
  assert_string_equal(good({{"DOCKER_HOST", "tcp://h:2376"}}, home).docker_cert_path.c_str(), "");
  assert_string_equal(good({{"DOCKER_TLS_VERIFY", " "}}, home).docker_tls_verify.c_str(), "");
  assert_values("DOCKER_CERT_PATH", {"/etc/docker/tls"}, {"tls", "./tls"});
  assert_error({{"DOCKER_TLS_VERIFY", "1"}, {"DOCKER_HOST", "tcp://h:2376"}}, "DOCKER_CERT_PATH=: is needed with DOCKER_TLS_VERIFY, since there is no HOME to look in");
  const auto warned = [&](const NameValues& file, const char* piece) {
    const Outcome outcome = read(file, home);
    return std::any_of(outcome.warnings.begin(), outcome.warnings.end(), [&](const std::string& line) { return line.find(piece) != std::string::npos; });
  };
  assert_true(warned({{"DOCKER_HOST", "tcp://h:2375"}}, "is spoken to without TLS"));
  assert_false(warned({{"DOCKER_HOST", "tcp://h:2376"}, {"DOCKER_TLS_VERIFY", "1"}}, "TLS"));
  assert_true(warned({{"DOCKER_TLS_VERIFY", "1"}}, "TLS is for tcp:// alone"));
  assert_false(warned({}, "TLS"));
}

static void test_the_environment_wins(void**) {
  assert_int_equal(good({{"VNC_WIDTH", "500"}}, {{"VNC_WIDTH", "600"}}).vnc_width, 600);
  assert_int_equal(good({{"VNC_WIDTH", "junk"}}, {{"VNC_WIDTH", "600"}}).vnc_width, 600);
  assert_int_equal(good({{"VNC_WIDTH", "500"}}, {{"VNC_WIDTH", ""}}).vnc_width, 500);
  assert_int_equal(good({{"VNC_WIDTH", " "}}, {{"VNC_WIDTH", "\t"}}).vnc_width, 410);
  assert_int_equal(good({{"VNC_WIDTH", "500"}, {"VNC_WIDTH", "501"}}).vnc_width, 501);
  assert_int_equal(good({{"VNC_WIDTH", " 500\r"}}).vnc_width, 500);
  assert_int_equal(good({}, {{"vnc_width", "600"}}).vnc_width, 410);
  const Outcome outcome = read({}, {{"VNC_WIDTH", "wide"}});
  assert_string_equal(outcome.errors.at(0).c_str(),
                      "VNC_WIDTH=wide: must be a whole number from 64 to 7680 (set in the environment)");
}

static void test_values_of_each(void**) {
  assert_values("VNC_HOST", {"192.168.1.100", "vnc.example.com", "[::1]", "my_host"},
                {"https://a", "a:80", "a/b", "::1", "10.0.0", "[]", "[a]", "a b", "[::1", "a."});
  assert_values("VNC_IMAGE", {"ghcr.io/giovannemendonca/firefox-flash-kiosk:4bda8f1"},
                {"A b", "Upper", "ghcr.io/giovannemendonca/..."});
  assert_values("VNC_CONTAINER_PORT", {"1", "65535"}, {"0", "65536", "-1", "x", "80.0", "0x50"});
  assert_values("PORT_RANGE_MIN", {"5003", "4751"}, {"0", "65536", "a"});
  assert_values("PORT_RANGE_MAX", {"5000", "5252"}, {"0", "65536", "a"});
  assert_values("ORCHESTRATOR_PORT", {"1", "4999", "5004", "65535"}, {"0", "65536", "a"});
  assert_values("STATE_FILE", {"/var/lib/a b/state.json", "./x"}, {"a/", "/", "a\nb"});
  assert_values("DOCKER_NETWORK_NAME", {"my-net.1", "_x"}, {"bridge", "host", "none", "-x", "a b", "a/b"});
  assert_values("DOCKER_NETWORK_SUBNET", {"10.20.0.0/24", "192.168.0.0/16", "10.10.0.0/29"},
                {"10.20.0.1/24", "10.20.0.0", "fd00::/64", "x", "10.0.0.0/31"});
  assert_values("IDLE_TIMEOUT_HOURS", {"8", "0.0005", "87600", "1e-3"},
                {"0", "-1", "0.0", "nan", "inf", "1,5", "8h", "87600.1", "1e-999", "-0"});
  assert_values("CLEANUP_INTERVAL_MINUTES", {"30", "0.01", "525600"}, {"0", "-0.5", "x", "525601"});
  assert_values("WARM_POOL_SIZE", {"0", "1000", "auto"}, {"-1", "1001", "1.5", "Auto"});
  assert_values("WARM_POOL_MAX", {"0", "1000"}, {"-1", "1001", "auto"});
  assert_values("POOL_MISS_TARGET", {"0.1", "50"}, {"0", "-1", "50.1", "off"});
  assert_values("WARM_POOL_SCHEDULE", {"mon-fri 07:30-09:30 20", "00:00-24:00 1; sat,sun 22:00-06:00 5"}, {"mon", "mon 7:30-9:30 20", "20"});
  assert_values("RECYCLE", {"unwatched", "oldest", "never"}, {"always", "Oldest", "0"});
  assert_values("VIEWER_CHECK_SECONDS", {"0", "3600"}, {"-1", "3601", "0.5", "off"});
  assert_values("MAX_SESSION_HOURS", {"off", "0.5", "87600"}, {"0", "-1", "on", "87601"});
  assert_values("VNC_APPNAME", {"xterm -e 'a \"b\"'", "S\xC3\xA3o"}, {"a\nb", "a\x1b"});
  assert_values("VNC_WIDTH", {"64", "7680"}, {"63", "7681", "410px"});
  assert_values("VNC_HEIGHT", {"64", "7680"}, {"63", "7681", "900.0"});
  assert_values("ORCHESTRATOR_HOST", {"127.0.0.1", "::", "::1", "localhost"}, {"[::]", "0.0.0.0:8080", "a b", "1.2.3"});
  assert_values("VNC_SCHEME", {"http", "https"}, {"HTTPS", "ftp", "https://"});
  assert_values("READY_TIMEOUT_SECONDS", {"1", "3600"}, {"0", "3601", "60s"});
  assert_values("MAX_CONNECTIONS", {"16", "1000000"}, {"15", "1000001", "many"});
  assert_values("MAX_WAITING", {"1", "500000"}, {"0", "500001", "-1"});
  assert_values("LOG_DIR", {"/var/log/vnc", "logs/"}, {"a\nb"});
  assert_values("LOG_FORMAT", {"text", "json"}, {"JSON", "xml"});
  assert_values("LOG_LEVEL", {"DEBUG", "info", "Warning", "ERROR"}, {"WARN", "TRACE", "1"});
  assert_values("VNC_BIND", {"127.0.0.1", "::"}, {"localhost", "eth0", "[::]", "1.2.3.4:5"});
  assert_values("VNC_ACCESS_URL",
                {"http://h", "https://portal.example.com:8443/sessão?a=b&c='d'#e", "http://[::1]:8080/access",
                 "https://10.0.0.1?x", " http://h/ "},
                {"h", "/access", "//h/", "ftp://h", "javascript:alert(1)", "HTTP://h", "http://", "http:///a",
                 "http://:80", "http://h:0", "http://h:65536", "http://h:", "http://u@h/", "http://h/a b",
                 "http://h/\"", "http://h/<", "http://h/\n/", "https:h", "http://1.2.3"});
  const std::string long_url = "http://" + std::string("h/") + std::string(1991, 'x');
  assert_values("VNC_ACCESS_URL", {long_url.c_str()}, {(long_url + "x").c_str()});
  assert_values("VNC_KEYBOARD", {"auto", "br", "us:intl", "br:abnt2", "pt:nodeadkeys"},
                {":", "us:", ":intl", "us intl", "us:a:b", "us;", "-layout\"", "ção"});
  assert_values("VNC_CLIPBOARD", {"both", "in", "out", "off"}, {"on", "BOTH", "in,out"});
  assert_values("VNC_ALLOW_URLS", {"*.gov.br, https://erp.example.com/*", "10.1.0.0"}, {"a\nb", "a\x1b"});
  assert_values("VNC_CA_DIR", {"/etc/ssl/our ca"}, {"ca", "/ca/", "/", "/c\na"});
  assert_values("VNC_PROXY",
                {"http://proxy:3128", "https://10.0.0.1:443", "socks5://[::1]:1080", "http://p:1/",
                 "http://h/proxy.pac", "https://h:1/a/wpad.pac?x=1", "pac+http://h/wpad.dat", "http://p.pac:80",
                 "http://u:p@proxy:3128", "http://u@proxy:3128/", "socks5://d%5Cu:p%40%2F@[::1]:1080", "https://u:a@b@h:1",
                 "http://u:p@h/proxy.pac", "pac+http://u:p@h/wpad.dat", "http://h/a@b.pac"},
                {"proxy:3128", "http://", "socks5://", "http:///", "http://u:p@", "http://proxy", "http://u:p@proxy", "http://:p@proxy:3128", "http://@proxy:3128",
                 "http://u:p w@proxy:3128", "u:p@proxy:3128", "http://u:p/w@proxy:3128", "socks4://h:1", "http://h:0", "http://h:65536",
                 "http://h:1/x", "ftp://h/proxy.pac", "pac+", "pac+h", "file:///proxy.pac", "http://h/a b.pac"});
  assert_values(
      "VNC_NO_PROXY",
      {"localhost", ".example.com,10.0.0.0/8", " a , b ", "*.gov.br", "fd00::/8", "::1", "h:8080", "10.0.0.1"},
      {",", "a,,b", "a b", "10.0.0.0/33", "fd00::/129", "h/8", "http://h", "*", "a;b", "10.0.0.0/"});
  assert_values("ALLOWED_HOSTS", {"a.example.org", "a.example.org , b:8080", "[::1]:80,10.0.0.1"},
                {"*", "a,,b", "http://a", "a/b", "a:0", "a:x", "a b"});
  assert_values("ADMIN_TOKEN", {"0123456789abcdef", "A-._~+/=0123456789"}, {"0123456789abcde", "x", "0123456789abcdef 0", "0123456789abcde\"", "0123456789abcdef\xc3\xa3"});
  assert_values("ADMIN_LISTEN", {"127.0.0.1:8081", "localhost:1", "[::1]:8081", "0.0.0.0:65535", "unix:/run/vnc.sock", "unix:/a"},
                {"127.0.0.1", ":8081", "8081", "admin.lan:8081", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", "unix:", "unix:a", "unix:/a/", "/a"});
  assert_values("VNC_DNS", {"10.0.0.1", "10.0.0.1, fd00::1"},
                {"dns", "10.0.0.1:53", "10.0.0.1,", "10.0.0", "10.0.0.1 10.0.0.2"});
  assert_values("VNC_MEMORY_MB", {"64", "1048576", "off"}, {"63", "1048577", "2g", "1.5", "0"});
  assert_values("VNC_CPUS", {"0.5", "2", "off"}, {"0", "-1", "two", "1025"});
  assert_values("VNC_PIDS", {"64", "1000000", "off"}, {"63", "1000001", "0"});
  assert_values("VNC_CAPS", {"none", "engine", "CHOWN", "cap_chown, Sys_Admin"}, {"a b", "CHOWN,", "CAP_", "CHOWN;x", "9"});
  assert_values("MASK_IDS", {"on", "off"}, {"On", "yes", "1"});
  assert_values("FIREWALL", {"on", "off"}, {"On", "yes", "1", "required"});
  assert_values("SESSION_ALLOW", {"192.0.2.1", "192.0.2.1:80, [2001:db8::1]", "[2001:db8::1]:443"},
                {"2001:db8::1", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:", "intranet:80", "192.0.2.0/24", "192.0.2.1,,192.0.2.2", "192.0.2.1 -j ACCEPT"});
  assert_values("VNC_LANG", {"pt-BR", "pt-BR, en", "es-419", "zh-Hant-TW"},
                {"p", "pt_BR", "pt-", "-pt", "pt-BR,", "portuguese", "pt--BR", "pt-123456789"});
  assert_values("TZ", {"America/Sao_Paulo", "UTC", "Etc/GMT+3", "<-03>3", ":UTC"}, {"a b", "a\nb", "\xC3\xA3", "a;b"});
  assert_values("DOCKER_HOST",
                {"unix:///a", "unix://", "tcp://h", "tcp://h:1", "tcp://[::1]:2375", "tcp://10.0.0.1:2375/"},
                {"/var/run/docker.sock", "unix://a", "ssh://h", "npipe:////./pipe", "http://h", "tcp://", "tcp://:1",
                 "tcp://h:0", "tcp://h:x", "tcp://h:1/p", "unix:///a/", "h:2375"});
  const std::string longest = "unix:///" + std::string(106, 'x');
  assert_values("DOCKER_HOST", {longest.c_str()}, {(longest + "x").c_str()});
}

static void test_engine_address_is_kept_whole(void**) {
  assert_string_equal(good({{"DOCKER_HOST", "unix://"}}).docker_host.c_str(), "unix:///var/run/docker.sock");
  assert_string_equal(good({{"DOCKER_HOST", "tcp://engine"}}).docker_host.c_str(), "tcp://engine:2375");
  assert_string_equal(good({{"DOCKER_HOST", "tcp://[::1]"}}).docker_host.c_str(), "tcp://[::1]:2375");
  assert_string_equal(good({{"DOCKER_HOST", "tcp://10.0.0.1:99/"}}).docker_host.c_str(), "tcp://10.0.0.1:99");
}

static void test_levels(void**) {
  assert_true(good({{"LOG_LEVEL", "debug"}}).log_level == LogLevel::Debug);
  assert_true(good({{"LOG_LEVEL", "WARNING"}}).log_level == LogLevel::Warning);
  assert_true(good({{"LOG_LEVEL", "Error"}}).log_level == LogLevel::Error);
}

static void test_all_errors_at_once(void**) {
  const Outcome outcome =
      read({{"VNC_HOST", "http://x"}, {"VNC_WIDTH", "wide"}, {"PORT_RANGE_MIN", "9000"}, {"VNC_TLS_KEY", "/k"}},
           {{"IDLE_TIMEOUT_HOURS", "never"}});
  assert_int_equal(outcome.errors.size(), 5);
  assert_string_equal(outcome.errors[0].c_str(),
                      "VNC_HOST=http://x: must be a host name, an IPv4 address or an IPv6 address in brackets; no "
                      "scheme, port or path");
  assert_string_equal(
      outcome.errors[1].c_str(),
      "IDLE_TIMEOUT_HOURS=never: must be a number above 0 up to 87600; fractions are allowed (set in the environment)");
  assert_string_equal(outcome.errors[2].c_str(), "VNC_WIDTH=wide: must be a whole number from 64 to 7680");
  assert_string_equal(outcome.errors[3].c_str(),
                      "PORT_RANGE_MIN=9000: must not be above PORT_RANGE_MAX, which is 5003");
  assert_string_equal(outcome.errors[4].c_str(), "VNC_TLS_KEY=/k: needs VNC_TLS_CERT too; set both or none");
}

static void test_foreign_values_stay_in_their_line(void**) {
  assert_error({{"VNC_WIDTH", "1\n2\x1b[31m"}}, "VNC_WIDTH=1\\n2\\x1B[31m: must be a whole number from 64 to 7680");
}

static void test_port_range(void**) {
  good({{"PORT_RANGE_MIN", "5003"}});
  assert_error({{"PORT_RANGE_MIN", "5004"}}, "PORT_RANGE_MIN=5004: must not be above PORT_RANGE_MAX, which is 5003");
  good({{"PORT_RANGE_MIN", "10001"}, {"PORT_RANGE_MAX", "11000"}, {"DOCKER_NETWORK_SUBNET", "10.20.0.0/16"}});
  assert_error({{"PORT_RANGE_MIN", "10000"}, {"PORT_RANGE_MAX", "11000"}, {"DOCKER_NETWORK_SUBNET", "10.20.0.0/16"}},
               "PORT_RANGE_MAX=11000: the range 10000 to 11000 has 1001 ports; at most 1000 are allowed");
  assert_error({{"ORCHESTRATOR_PORT", "5000"}},
               "ORCHESTRATOR_PORT=5000: must be outside the range of session ports, 5000 to 5003");
  assert_error({{"ORCHESTRATOR_PORT", "5003"}},
               "ORCHESTRATOR_PORT=5003: must be outside the range of session ports, 5000 to 5003");
  // A bad value is reported once, not again for what follows from it.
  assert_error({{"PORT_RANGE_MIN", "junk"}}, "PORT_RANGE_MIN=junk: must be a whole number from 1 to 65535");
  assert_error({{"ORCHESTRATOR_PORT", "junk"}},
               "ORCHESTRATOR_PORT=junk: must be a whole number from 1 to 65535 outside the range of session ports");
}

static void test_subnet_has_room(void**) {
  good({{"PORT_RANGE_MAX", "5004"}, {"DOCKER_NETWORK_SUBNET", "10.10.0.0/29"}});
  assert_error({{"PORT_RANGE_MAX", "5005"}, {"DOCKER_NETWORK_SUBNET", "10.10.0.0/29"}},
               "DOCKER_NETWORK_SUBNET=10.10.0.0/29: has room for 5 containers, but PORT_RANGE_MIN and PORT_RANGE_MAX "
               "ask for 6; take a larger "
               "subnet or fewer ports");
  good({{"PORT_RANGE_MAX", "5252"}});
  assert_int_equal(read({{"PORT_RANGE_MAX", "5253"}}).errors.size(), 1);
}

static void test_secrets_both_or_none(void**) {
  const Settings both = good({{"VNC_TLS_CERT", "/etc/a b/cert.pem"}, {"VNC_TLS_KEY", "/etc/key.pem"}});
  assert_string_equal(both.vnc_tls_cert.c_str(), "/etc/a b/cert.pem");
  assert_error({{"VNC_TLS_CERT", "/c"}}, "VNC_TLS_CERT=/c: needs VNC_TLS_KEY too; set both or none");
  assert_error({{"VNC_TLS_CERT", "c.pem"}, {"VNC_TLS_KEY", "/k"}},
               "VNC_TLS_CERT=c.pem: must be an absolute path; both VNC_TLS_CERT and VNC_TLS_KEY or none");
  assert_int_equal(read({{"VNC_TLS_CERT", "/c"}, {"VNC_TLS_KEY", "/k/"}}).errors.size(), 1);
}

static void assert_warning(const char* name, const char* wanted) {
  const Outcome outcome = read({{name, "1"}});
  if (wanted == nullptr) {
    if (!outcome.warnings.empty()) fail_msg("%s", outcome.warnings[0].c_str());
    return;
  }
  if (outcome.warnings.size() != 1) fail_msg("%s: %zu warnings", name, outcome.warnings.size());
  if (strstr(outcome.warnings[0].c_str(), wanted) == nullptr) fail_msg("%s", outcome.warnings[0].c_str());
}

static void test_typing_errors(void**) {
  assert_warning("VNC_HOTS", "VNC_HOTS is not a setting and is ignored; did you mean VNC_HOST?");
  assert_warning("VCN_HOST", "did you mean VNC_HOST?");
  assert_warning("VNC_IMAGEM", "did you mean VNC_IMAGE?");
  assert_warning("vnc_width", "vnc_width is not a setting and is ignored; did you mean VNC_WIDTH?");
  assert_warning("PORT_RANGE_MIM", "did you mean PORT_RANGE_MIN?");
  assert_warning("WARM_POOLSIZE", "did you mean WARM_POOL_SIZE?");
  assert_warning("IDLE_TIMEOUT_HOUR", "did you mean IDLE_TIMEOUT_HOURS?");
  assert_warning("DOCKER_NETWORK_SUBNETS", "did you mean DOCKER_NETWORK_SUBNET?");
  assert_warning("STATEFILE", "did you mean STATE_FILE?");
  assert_warning("LOG_DR", "did you mean LOG_DIR?");
  assert_warning("LOG_DRI", "did you mean LOG_DIR?");
  assert_warning("VNC_SOMETHING_ELSE",
                 "VNC_SOMETHING_ELSE is not a setting and is ignored; --help lists those that are");
  assert_warning("DOCKER_CONTEXT", "--help lists");
  assert_warning("WARM_WATER_TANKS", "--help lists");
  for (const char* other :
       {"PATH", "TZ", "HTTP_PROXY", "COMPOSE_PROJECT_NAME", "HOST", "PORT", "WIDTH", "VNC", "IMAGE", "A", ""}) {
    assert_warning(other, nullptr);
  }
  // Only the file is looked at: the environment is full of other people's variables.
  assert_true(read({}, {{"VNC_HOTS", "1"}}).warnings.empty());
  // Warnings are told beside errors, too.
  assert_int_equal(read({{"VNC_HOTS", "1"}, {"VNC_WIDTH", "x"}}).warnings.size(), 1);
}

static void test_help_has_every_row(void**) {
  const std::string help = settings_help();
  size_t count = 0;
  const SettingRow* rows = settings_rows(&count);
  for (size_t i = 0; i < count; i++) {
    if (help.find(std::string("  ") + rows[i].name + " ") == std::string::npos) fail_msg("%s", rows[i].name);
    if (help.find(std::string("allowed: ") + rows[i].allowed + "\n") == std::string::npos) fail_msg("%s", rows[i].name);
    if (help.find(std::string("  ") + rows[i].help + "\n") == std::string::npos) fail_msg("%s", rows[i].name);
  }
  assert_non_null(strstr(help.c_str(), "default: firefox-kiosk https://google.com\n"));
  assert_non_null(strstr(help.c_str(), "default: none\n"));
}

// A copy of the example changes nothing and warns of nothing.
static void test_example_is_the_defaults(void**) {
  std::vector<std::string> warnings;
  const NameValues values = dotenv_parse(settings_example(), {}, &warnings);
  size_t count = 0;
  settings_rows(&count);
  assert_true(warnings.empty());
  assert_int_equal(values.size(), count);
  const Outcome outcome = read(values);
  assert_true(outcome.good && outcome.warnings.empty());
  assert_string_equal(settings_values(outcome.settings).c_str(), settings_values(good({})).c_str());
}

// What --check-config prints can be an .env file again.
static void test_values_can_be_read_again(void**) {
  const Settings settings =
      good({{"IDLE_TIMEOUT_HOURS", "0.1"}, {"VNC_APPNAME", "a 'b' \"c\""}, {"CLEANUP_INTERVAL_MINUTES", "1e-3"}});
  const std::string text = settings_values(settings);
  assert_non_null(strstr(text.c_str(), "IDLE_TIMEOUT_HOURS=0.1\n"));
  assert_non_null(strstr(text.c_str(), "CLEANUP_INTERVAL_MINUTES=0.001\n"));
  std::vector<std::string> warnings;
  assert_string_equal(settings_values(good(dotenv_parse(text, {}, &warnings))).c_str(), text.c_str());
}

// Tests run from the root of the repository.
static void test_committed_example_is_up_to_date(void**) {
  FILE* file = fopen(".env.example", "r");
  if (file == nullptr) fail_msg("no .env.example in the current folder");
  std::string text(65536, '\0');
  text.resize(fread(text.data(), 1, text.size(), file));
  fclose(file);
  assert_string_equal(text.c_str(), settings_example().c_str());
}

static void test_banner(void**) {
  const std::vector<std::string> lines = settings_banner(good(
      {{"VNC_APPNAME", "firefox-kiosk https://youtube.com"}, {"VNC_IMAGE", "ghcr.io/g/firefox-flash-kiosk:4bda8f1"}}));
  const char* const documented[] = {
      "========== DOCKER CONFIG ==========",
      "  IMAGE           = ghcr.io/g/firefox-flash-kiosk:4bda8f1",
      "  CONTAINER_PORT  = 6080",
      "  PORT_RANGE      = 5000 - 5003 (4 slots)",
      "  APPNAME         = firefox-kiosk https://youtube.com",
      "  WIDTH           = 410",
      "  HEIGHT          = 900",
      "  NETWORK_NAME    = vnc_network",
      "  NETWORK_SUBNET  = 10.10.0.0/24",
  };
  for (size_t i = 0; i < std::size(documented); i++) assert_string_equal(lines.at(i).c_str(), documented[i]);
  assert_string_equal(lines.back().c_str(), "====================================");
  // Every other row stands there under its own name: the two ends of the range share a line.
  size_t count = 0;
  settings_rows(&count);
  assert_int_equal(lines.size(), count - 1 + 2);
  assert_true(std::count(lines.begin(), lines.end(), "  IDLE_TIMEOUT_HOURS       = 8") == 1);
  assert_true(std::count(lines.begin(), lines.end(), "  LOG_LEVEL                = INFO") == 1);
}

// The sessions get it, in their environment, and nobody else sees it.
static void test_a_proxys_password_is_shown_nowhere(void**) {
  const Settings settings = good({{"VNC_PROXY", "http://ana:s3gr%40do@proxy:3128"}});
  std::string shown = settings_values(settings);
  for (const std::string& line : settings_banner(settings)) shown += line + "\n";
  assert_null(strstr(shown.c_str(), "s3gr"));
  assert_non_null(strstr(shown.c_str(), "VNC_PROXY=http://ana:***@proxy:3128\n"));
  const LaunchSpec spec = settings_launch_spec(settings, "vnc_1", 5001, {1024, 768}, "r", "j");
  assert_true(std::count(spec.env.begin(), spec.env.end(),
                         NameValues::value_type{"PROXY", "http://ana:s3gr%40do@proxy:3128"}) == 1);
  // Nor where it is refused, whatever is wrong with it.
  for (const char* bad : {"http://ana:s3gr@do@proxy", "ana:s3gr@proxy:3128", "ftp://ana:s3gr@proxy:1/x.pac",
                          "http:/ana:s3gr@proxy:3128", "http://ana:s3gr/x@proxy:3128"}) {
    const Outcome outcome = read({{"VNC_PROXY", bad}});
    assert_false(outcome.good);
    for (const std::string& error : outcome.errors) assert_null(strstr(error.c_str(), "s3gr"));
  }
}

static void test_the_token_is_shown_nowhere(void**) {
  const Settings settings = good({{"ADMIN_TOKEN", "s3grs3grs3grs3gr"}});
  assert_string_equal(settings.admin_token.c_str(), "s3grs3grs3grs3gr");
  std::string shown = settings_values(settings);
  for (const std::string& line : settings_banner(settings)) shown += line + "\n";
  assert_null(strstr(shown.c_str(), "s3gr"));
  assert_non_null(strstr(shown.c_str(), "ADMIN_TOKEN=***\n"));
  const LaunchSpec spec = settings_launch_spec(settings, "vnc_1", 5001, {1024, 768}, "r", "j");
  for (const auto& [name, value] : spec.env) assert_null(strstr(value.c_str(), "s3gr"));
  assert_error({{"ADMIN_TOKEN", "s3gr"}},
               "ADMIN_TOKEN=***: must be 16 to 256 letters, digits and any of -._~+/=, such as 'openssl rand -hex 32' prints");
}

static void test_the_admin_port_is_nobody_elses(void**) {
  for (const char* taken : {"127.0.0.1:8080", "127.0.0.1:5000", "[::1]:5003"}) {
    assert_error({{"ADMIN_LISTEN", taken}},
                 (std::string("ADMIN_LISTEN=") + taken + ": must have a port that is neither ORCHESTRATOR_PORT nor one of the sessions").c_str());
  }
  good({{"ADMIN_LISTEN", "127.0.0.1:4999"}});
  good({{"ADMIN_LISTEN", "127.0.0.1:5004"}});
}

static void test_launch_spec(void**) {
  const Settings settings =
      good({{"VNC_IMAGE", "img:1"}, {"VNC_BIND", "127.0.0.1"}, {"VNC_TLS_CERT", "/h/c"}, {"VNC_TLS_KEY", "/h/k"}});
  const LaunchSpec spec = settings_launch_spec(settings, "vnc_1", 5001, {1024, 768}, "run7", "job9");
  assert_string_equal(spec.image.c_str(), "img:1");
  assert_string_equal(spec.name.c_str(), "vnc_1");
  assert_string_equal(spec.network.c_str(), "vnc_network");
  assert_string_equal(spec.bind_address.c_str(), "127.0.0.1");
  assert_int_equal(spec.host_port, 5001);
  assert_int_equal(spec.container_port, 6080);
  assert_true((spec.env == NameValues{{"APPNAME", "firefox-kiosk https://google.com"},
                                      {"WIDTH", "1024"},
                                      {"HEIGHT", "768"},
                                      {"KEYBOARD", "auto"},
                                      {"CLIPBOARD", "both"},
                                      {"SESSION_LANG", "pt-BR"}}));
  assert_true(spec.dns.empty());
  assert_true((spec.labels == NameValues{{"io.vnc-orchestrator.instance", "vnc_network"},
                                         {"io.vnc-orchestrator.run", "run7"},
                                         {"io.vnc-orchestrator.job", "job9"},
                                         {"io.vnc-orchestrator.fingerprint", settings_fingerprint(settings)}}));
  assert_int_equal(spec.mounts.size(), 2);
  assert_string_equal(spec.mounts[0].host_path.c_str(), "/h/c");
  assert_string_equal(spec.mounts[0].container_path.c_str(), "/run/vnc-tls/cert.pem");
  assert_string_equal(spec.mounts[1].host_path.c_str(), "/h/k");
  assert_string_equal(spec.mounts[1].container_path.c_str(), "/run/vnc-tls/key.pem");
  assert_true(settings_launch_spec(good({}), "vnc_1", 5001, {1024, 768}, "r", "j").mounts.empty());
}

static void test_what_a_session_is_told(void**) {
  const Settings settings = good({{"VNC_ACCESS_URL", "https://portal/?a=1&b=2"},
                                  {"VNC_KEYBOARD", "br"},
                                  {"VNC_CLIPBOARD", "off"},
                                  {"VNC_ALLOW_URLS", "*.gov.br"},
                                  {"VNC_CA_DIR", "/h/ca"},
                                  {"VNC_PROXY", "http://p:3128"},
                                  {"VNC_NO_PROXY", "a , b"},
                                  {"VNC_DNS", "10.0.0.1 , ::1"},
                                  {"VNC_LANG", "en, pt-BR"},
                                  {"TZ", "America/Manaus"}});
  const LaunchSpec spec = settings_launch_spec(settings, "vnc_1", 5001, {1024, 768}, "r", "j");
  assert_true((NameValues(spec.env.begin() + 3, spec.env.end()) == NameValues{{"ACCESS_URL", "https://portal/?a=1&b=2"},
                                                                              {"KEYBOARD", "br"},
                                                                              {"CLIPBOARD", "off"},
                                                                              {"ALLOW_URLS", "*.gov.br"},
                                                                              {"PROXY", "http://p:3128"},
                                                                              {"NO_PROXY", "a,b"},
                                                                              {"SESSION_LANG", "en,pt-BR"},
                                                                              {"TZ", "America/Manaus"}}));
  assert_int_equal(spec.mounts.size(), 1);
  assert_string_equal(spec.mounts[0].host_path.c_str(), "/h/ca");
  assert_string_equal(spec.mounts[0].container_path.c_str(), "/run/session-ca");
  assert_true((spec.dns == std::vector<std::string>{"10.0.0.1", "::1"}));
}

static void test_fingerprint(void**) {
  // Computed apart from this program: FNV-1a 64 over "<length>:<text>" of 6080, 0.0.0.0,
  // 6, APPNAME, firefox-kiosk https://google.com, WIDTH, 410, HEIGHT, 900, KEYBOARD, auto, CLIPBOARD, both, SESSION_LANG, pt-BR, 0, 0. If it changes, pools of running installations
  // are thrown away at the next start.
  assert_string_equal(settings_fingerprint(good({})).c_str(), "48eb9e4c40eb6633");
  const std::string today = settings_fingerprint(good({}));
  const NameValues changing[] = {{{"VNC_APPNAME", "other"}},
                                 {{"VNC_WIDTH", "411"}},
                                 {{"VNC_HEIGHT", "901"}},
                                 {{"VNC_CONTAINER_PORT", "6081"}},
                                 {{"VNC_BIND", "127.0.0.1"}},
                                 {{"VNC_ACCESS_URL", "http://h/"}},
                                 {{"VNC_KEYBOARD", "br"}},
                                 {{"VNC_CLIPBOARD", "in"}},
                                 {{"VNC_ALLOW_URLS", "x"}},
                                 {{"VNC_CA_DIR", "/c"}},
                                 {{"VNC_PROXY", "http://p:1"}},
                                 {{"VNC_NO_PROXY", "x"}},
                                 {{"VNC_DNS", "10.0.0.1"}},
                                 {{"VNC_DNS", "10.0.0.1,10.0.0.2"}},
                                 {{"VNC_LANG", "en"}},
                                 {{"VNC_MEMORY_MB", "1024"}},
                                 {{"VNC_MEMORY_MB", "off"}},
                                 {{"VNC_CPUS", "1"}},
                                 {{"VNC_PIDS", "2048"}},
                                 {{"VNC_CAPS", "none"}},
                                 {{"VNC_CAPS", "engine"}},
                                 {{"TZ", "UTC"}},
                                 {{"VNC_TLS_CERT", "/c"}, {"VNC_TLS_KEY", "/k"}}};
  std::vector<std::string> all = {today};
  for (const NameValues& change : changing) all.push_back(settings_fingerprint(good(change)));
  std::sort(all.begin(), all.end());
  assert_true(std::adjacent_find(all.begin(), all.end()) == all.end());
  for (const std::string& one : all)
    assert_true(one.size() == 16 && one.find_first_not_of("0123456789abcdef") == std::string::npos);
  // What does not make a container another one.
  for (const NameValues& same :
       {NameValues{{"VNC_IMAGE", "other"}}, NameValues{{"PORT_RANGE_MAX", "5009"}}, NameValues{{"VNC_HOST", "h"}}, NameValues{{"WARM_POOL_SIZE", "3"}}, NameValues{{"FIREWALL", "off"}}, NameValues{{"SESSION_ALLOW", "192.0.2.1"}},
        NameValues{{"LOG_LEVEL", "DEBUG"}}, NameValues{{"IDLE_TIMEOUT_HOURS", "1"}}}) {
    assert_string_equal(settings_fingerprint(good(same)).c_str(), today.c_str());
  }
  // Texts that would run together without their lengths.
  assert_string_not_equal(settings_fingerprint(good({{"VNC_CONTAINER_PORT", "608"}, {"VNC_BIND", "0.0.0.0"}})).c_str(),
                          settings_fingerprint(good({{"VNC_CONTAINER_PORT", "60"}, {"VNC_BIND", "80.0.0.0"}})).c_str());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_a_reload_takes_what_it_can),
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_every_row_has_its_own_place),
      cmocka_unit_test(test_tls_with_the_engine),
      cmocka_unit_test(test_the_environment_wins),
      cmocka_unit_test(test_values_of_each),
      cmocka_unit_test(test_engine_address_is_kept_whole),
      cmocka_unit_test(test_levels),
      cmocka_unit_test(test_all_errors_at_once),
      cmocka_unit_test(test_foreign_values_stay_in_their_line),
      cmocka_unit_test(test_port_range),
      cmocka_unit_test(test_subnet_has_room),
      cmocka_unit_test(test_secrets_both_or_none),
      cmocka_unit_test(test_typing_errors),
      cmocka_unit_test(test_help_has_every_row),
      cmocka_unit_test(test_example_is_the_defaults),
      cmocka_unit_test(test_values_can_be_read_again),
      cmocka_unit_test(test_committed_example_is_up_to_date),
      cmocka_unit_test(test_banner),
      cmocka_unit_test(test_a_proxys_password_is_shown_nowhere),
      cmocka_unit_test(test_the_token_is_shown_nowhere),
      cmocka_unit_test(test_the_admin_port_is_nobody_elses),
      cmocka_unit_test(test_launch_spec),
      cmocka_unit_test(test_what_a_session_is_told),
      cmocka_unit_test(test_fingerprint),
  };
  return cmocka_run_group_tests_name("codec/settings", tests, nullptr, nullptr);
}
