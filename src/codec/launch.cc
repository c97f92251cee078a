// From settings to the container of one session, and the fingerprint by which a container tells what it was born as.
#include <algorithm>
#include <array>
#include <cstdint>

#include "codec/accept.h"
#include "codec/settings.h"
#include "codec/text.h"

namespace {

constexpr const char* kCertInside = "/run/vnc-tls/cert.pem";
constexpr const char* kKeyInside = "/run/vnc-tls/key.pem";
constexpr const char* kAuthoritiesInside = "/run/session-ca";

// All that is the same for every session of one size.
LaunchSpec common_spec(const Settings& settings, Size size) {
  LaunchSpec spec;
  spec.image = settings.vnc_image;
  spec.network = settings.docker_network_name;
  spec.bind_address = settings.vnc_bind;
  spec.container_port = settings.vnc_container_port;
  spec.env = {{"APPNAME", settings.vnc_appname},
              {"WIDTH", std::to_string(size.width)},
              {"HEIGHT", std::to_string(size.height)}};
  const std::pair<const char*, const std::string&> where_set[] = {
      {"ACCESS_URL", settings.vnc_access_url}, {"KEYBOARD", settings.vnc_keyboard},
      {"CLIPBOARD", settings.vnc_clipboard},   {"ALLOW_URLS", settings.vnc_allow_urls},
      {"PROXY", settings.vnc_proxy},           {"NO_PROXY", settings.vnc_no_proxy},
      {"SESSION_LANG", settings.vnc_lang},     {"TZ", settings.tz}};
  for (const auto& [name, value] : where_set) {
    if (!value.empty()) spec.env.emplace_back(name, value);
  }
  if (!settings.vnc_tls_cert.empty())
    spec.mounts = {{settings.vnc_tls_cert, kCertInside}, {settings.vnc_tls_key, kKeyInside}};
  if (!settings.vnc_ca_dir.empty()) spec.mounts.push_back({settings.vnc_ca_dir, kAuthoritiesInside});
  for (const std::string_view server : text_list(settings.vnc_dns)) spec.dns.emplace_back(server);
  spec.memory_bytes = static_cast<int64_t>(settings.vnc_memory_mb) << 20;
  spec.cpu_percent = settings.vnc_cpus > 0 ? std::max(1, static_cast<int>(settings.vnc_cpus * 100)) : 0;
  spec.processes = settings.vnc_pids;
  spec.confined = settings.vnc_caps != kCapsOfEngine;
  if (spec.confined && settings.vnc_caps != kCapsNone)
    for (const std::string_view capability : text_list(settings.vnc_caps)) spec.capabilities.emplace_back(capability);
  return spec;
}

// FNV-1a, 64 bits: not against forgery, only to tell one set of settings from another.
struct Hash {
  uint64_t value = 0xCBF29CE484222325;
};

// The length goes before the bytes, so that no two lists of texts run together into the same bytes.
void hash_add(Hash* hash, const std::string& text) {
  for (char c : std::to_string(text.size()) + ":" + text) {
    hash->value = (hash->value ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
}

void hash_add(Hash* hash, size_t count) { hash_add(hash, std::to_string(count)); }

}  // namespace

// Hashed: container port, bind address, then the count and the texts of environment, mounts and name servers, the limits. Not the network: it is
// the instance label, by which containers are found in the first place. Not the image: it is told by its id (core/rollout.cc).
std::string settings_fingerprint(const Settings& settings) {
  const LaunchSpec spec = common_spec(settings, {settings.vnc_width, settings.vnc_height});
  Hash hash;
  hash_add(&hash, std::to_string(spec.container_port));
  hash_add(&hash, spec.bind_address);
  hash_add(&hash, spec.env.size());
  for (const auto& [name, value] : spec.env) {
    hash_add(&hash, name);
    hash_add(&hash, value);
  }
  hash_add(&hash, spec.mounts.size());
  for (const BindMount& mount : spec.mounts) {
    hash_add(&hash, mount.host_path);
    hash_add(&hash, mount.container_path);
  }
  hash_add(&hash, spec.dns.size());
  for (const std::string& server : spec.dns) hash_add(&hash, server);
  for (const int64_t limit : {spec.memory_bytes, int64_t{spec.cpu_percent}, int64_t{spec.processes}}) hash_add(&hash, std::to_string(limit));
  hash_add(&hash, settings.vnc_caps);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned shift = 64; shift > 0; shift -= 4) out += kHex[(hash.value >> (shift - 4)) & 0xFU];
  return out;
}

LaunchSpec settings_launch_spec(const Settings& settings, const std::string& name, int port, Size size,
                                const std::string& run, const std::string& job) {
  LaunchSpec spec = common_spec(settings, size);
  spec.name = name;
  spec.host_port = port;
  spec.labels = {{kLabelInstance, settings.docker_network_name},
                 {kLabelRun, run},
                 {kLabelJob, job},
                 {kLabelFingerprint, settings_fingerprint(settings)}};
  return spec;
}
