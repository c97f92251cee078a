// Shapes of host names, addresses, subnets, image names and paths.
#include "codec/shape.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "codec/text.h"

namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHex = "0123456789abcdefABCDEF";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_all_of(std::string_view text, std::string_view set) {
  return text.find_first_not_of(set) == std::string_view::npos;
}

// Splits off what stands before `separator`; the whole text when there is none. False when nothing was left to split.
bool next_part(std::string_view* rest, char separator, std::string_view* part) {
  if (rest->data() == nullptr) return false;
  const size_t end = rest->find(separator);
  *part = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
  return true;
}

bool parse_ipv4(std::string_view text, uint32_t* out) {
  uint32_t address = 0;
  int parts = 0;
  for (std::string_view part; next_part(&text, '.', &part); parts++) {
    long value = 0;
    if (part.size() > 3 || (part.size() > 1 && part[0] == '0') || !text_to_int(part, 0, 255, &value)) return false;
    address = (address << 8U) | static_cast<uint32_t>(value);
  }
  if (parts != 4) return false;
  *out = address;
  return true;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_one_of(c, kAlphanumeric) || c == '-' || c == '_'; });
}

// Lower-case letters and digits, with single '.', one or two '_' or any number of '-' between them.
bool is_path_component(std::string_view text) {
  while (!text.empty()) {
    const size_t word = std::min(text.find_first_not_of(kLower), text.size());
    if (word == 0) return false;
    text.remove_prefix(word);
    if (text.empty()) return true;
    const std::string_view gap = text.substr(0, text.find_first_of(kLower));
    if (gap != "." && gap != "_" && gap != "__" && !is_all_of(gap, "-")) return false;
    text.remove_prefix(gap.size());
  }
  return false;
}

bool is_registry(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && !text.ends_with(']')) {
    long port = 0;
    if (!text_to_int(text.substr(colon + 1), 1, 65535, &port)) return false;
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) return shape_is_ipv6(text.substr(1, text.size() - 2));
  return shape_is_host_name(text);
}

}  // namespace

bool shape_is_ipv4(std::string_view text) {
  uint32_t address = 0;
  return parse_ipv4(text, &address);
}

bool shape_is_ipv6(std::string_view text) {
  int groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  while (true) {
    const size_t end = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, end);
    if (group.find('.') != std::string_view::npos) {  // the last 32 bits as an IPv4 address
      if (end != text.size() || !shape_is_ipv4(group)) return false;
      groups += 2;
      break;
    }
    if (group.empty() || group.size() > 4 || !is_all_of(group, kHex)) return false;
    groups++;
    text.remove_prefix(end);
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  return gap ? groups < 8 : groups == 8;
}

bool shape_is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  std::string_view rest = text;
  std::string_view label;
  while (next_part(&rest, '.', &label)) {
    if (!is_label(label)) return false;
  }
  // No top-level domain is a number, so 10.1.2 or 10.1.2.300 is an address with a slip in it.
  return !is_all_of(label, kDigits) || shape_is_ipv4(text);
}

bool shape_parse_subnet(std::string_view text, int* prefix) {
  const size_t slash = text.find('/');
  uint32_t address = 0;
  long bits = 0;
  if (slash == std::string_view::npos || !parse_ipv4(text.substr(0, slash), &address)) return false;
  const std::string_view tail = text.substr(slash + 1);
  if (tail.size() > 2 || (tail.size() == 2 && tail[0] == '0') || !text_to_int(tail, 8, 30, &bits)) return false;
  const uint32_t host_bits = UINT32_MAX >> static_cast<unsigned>(bits);
  const uint32_t first = address >> 24U;
  if ((address & host_bits) != 0 || first == 0 || first == 127 || first >= 224) return false;
  *prefix = static_cast<int>(bits);
  return true;
}

int64_t shape_subnet_room(int prefix) { return (INT64_C(1) << (32 - prefix)) - 3; }

bool shape_is_image(std::string_view text) {
  if (text.empty() || text.size() > 512) return false;
  const size_t at = text.find('@');
  if (at != std::string_view::npos) {
    std::string_view digest = text.substr(at + 1);
    if (!digest.starts_with("sha256:") || digest.size() != 7 + 64 || !is_all_of(digest.substr(7), kHex)) return false;
    text = text.substr(0, at);
  }
  const size_t last_slash = text.rfind('/');
  const size_t colon = text.find(':', last_slash == std::string_view::npos ? 0 : last_slash);
  if (colon != std::string_view::npos) {
    const std::string_view tag = text.substr(colon + 1);
    if (tag.empty() || tag.size() > 128 || tag.front() == '.' || tag.front() == '-') return false;
    if (!std::all_of(tag.begin(), tag.end(), [](char c) { return is_one_of(c, kAlphanumeric) || is_one_of(c, "_.-"); }))
      return false;
    text = text.substr(0, colon);
  }
  // The first part is a registry if it looks like a host, else part of the path.
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view first = text.substr(0, slash);
    const bool has_upper = std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (first == "localhost" || has_upper || first.find_first_of(".:") != std::string_view::npos) {
      if (!is_registry(first)) return false;
      text.remove_prefix(slash + 1);
    }
  }
  std::string_view component;
  while (next_part(&text, '/', &component)) {
    if (!is_path_component(component)) return false;
  }
  return true;
}

bool shape_is_network_name(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kEngines = {"bridge", "host", "none", "default", "ingress"};
  if (text.empty() || text.size() > 128 || text.front() == '.' || text.front() == '-') return false;
  if (std::find(kEngines.begin(), kEngines.end(), text) != kEngines.end()) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_one_of(c, kAlphanumeric) || is_one_of(c, "_.-"); });
}

bool shape_has_control(std::string_view text) { return text_one_line(text, text.size() * 4) != text; }
