// What the text of a setting may be, kind by kind.
#include "codec/accept.h"

#include <algorithm>

#include "codec/shape.h"
#include "codec/shifts.h"
#include "codec/text.h"

namespace {

constexpr size_t kSocketPathMost = 107;  // sun_path holds 108 with its end
constexpr size_t kUrlMost = 2000;        // what every browser takes

bool accept_if(bool fits, std::string_view text, std::string* out) {
  if (fits) *out = text;
  return fits;
}

bool is_bracketed_ipv6(std::string_view text) {
  return text.size() > 2 && text.front() == '[' && text.back() == ']' && shape_is_ipv6(text.substr(1, text.size() - 2));
}
bool is_url_host(std::string_view text) { return shape_is_host_name(text) || is_bracketed_ipv6(text); }
bool is_address(std::string_view text) { return shape_is_ipv4(text) || shape_is_ipv6(text); }
bool is_absolute_path(std::string_view text) {
  return text.starts_with('/') && !text.ends_with('/') && !shape_has_control(text);
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

template <typename Test>
bool all_of(std::string_view text, Test test) {
  return !text.empty() && std::all_of(text.begin(), text.end(), test);
}

// HOST:PORT, or HOST alone where that is enough.
bool is_host_and_port(std::string_view text, bool port_needed) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos || text.ends_with(']')) return !port_needed && is_url_host(text);
  long number = 0;
  return text_to_int(text.substr(colon + 1), 1, kPortMost, &number) && is_url_host(text.substr(0, colon));
}

// A list with commas between: true when each part, trimmed, fits. *out is then the parts with nothing but commas between them.
template <typename Test>
bool accept_list(std::string_view text, Test fits, std::string* out) {
  std::string kept;
  for (const std::string_view part : text_list(text)) {
    if (!fits(part)) return false;
    if (!kept.empty()) kept += ',';
    kept += part;
  }
  *out = kept;
  return true;
}

bool is_xkb_word(std::string_view text) {
  return all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; });
}

// RFC 5646: letters, then parts of up to eight letters and digits.
bool is_language(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('-'));
  if (first.size() < 2 || first.size() > 3 || !all_of(first, is_letter)) return false;
  for (size_t at = first.size(); at < text.size();) {
    const size_t end = std::min(text.find('-', at + 1), text.size());
    const std::string_view part = text.substr(at + 1, end - at - 1);
    if (part.size() > 8 || !all_of(part, [](char c) { return is_letter(c) || is_digit(c); })) return false;
    at = end;
  }
  return true;
}

bool is_exception(std::string_view text) {
  const std::string_view address = text.substr(0, text.find('/'));
  if (address.size() < text.size()) {
    long bits = 0;
    const long most = shape_is_ipv4(address) ? 32 : shape_is_ipv6(address) ? 128 : -1;
    return most > 0 && text_to_int(text.substr(address.size() + 1), 0, most, &bits);
  }
  if (text.starts_with("*."))
    text.remove_prefix(2);
  else if (text.starts_with('.'))
    text.remove_prefix(1);
  return shape_is_ipv6(text) || is_host_and_port(text, false);
}

}  // namespace

bool accept_url_host(std::string_view text, std::string* out) { return accept_if(is_url_host(text), text, out); }
bool accept_image(std::string_view text, std::string* out) { return accept_if(shape_is_image(text), text, out); }
bool accept_address(std::string_view text, std::string* out) { return accept_if(is_address(text), text, out); }
bool accept_network(std::string_view text, std::string* out) {
  return accept_if(shape_is_network_name(text), text, out);
}
bool accept_plain(std::string_view text, std::string* out) { return accept_if(!shape_has_control(text), text, out); }
bool accept_host_path(std::string_view text, std::string* out) { return accept_if(is_absolute_path(text), text, out); }
bool accept_scheme(std::string_view text, std::string* out) {
  return accept_if(text == "http" || text == "https", text, out);
}

bool accept_subnet(std::string_view text, std::string* out) {
  int prefix = 0;
  return accept_if(shape_parse_subnet(text, &prefix), text, out);
}

bool accept_file(std::string_view text, std::string* out) {
  return accept_if(!text.ends_with('/') && !shape_has_control(text), text, out);
}

bool accept_listen(std::string_view text, std::string* out) {
  return accept_if(is_address(text) || shape_is_host_name(text), text, out);
}

bool accept_web_url(std::string_view text, std::string* out) {
  std::string_view rest = text;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) rest = text.substr(scheme.size());
  }
  static constexpr std::string_view kNeverInUrls = " \"<>\\^`{|}";
  if (rest.size() == text.size() || shape_has_control(text) || text.find_first_of(kNeverInUrls) != text.npos ||
      text.size() > kUrlMost) {
    return false;
  }
  return accept_if(is_host_and_port(rest.substr(0, rest.find_first_of("/?#")), false), text, out);
}

bool accept_engine(std::string_view text, std::string* out) {
  static constexpr std::string_view kUnix = "unix://";
  static constexpr std::string_view kTcp = "tcp://";
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.size() == kUnix.size() ? "/var/run/docker.sock" : text.substr(kUnix.size());
    if (!is_absolute_path(path) || path.size() > kSocketPathMost) return false;
    *out = std::string(kUnix).append(path);
    return true;
  }
  if (!text.starts_with(kTcp)) return false;
  std::string_view host = text.substr(kTcp.size());
  if (host.ends_with('/')) host.remove_suffix(1);
  std::string_view port = "2375";
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && !host.ends_with(']')) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  long number = 0;
  if (!is_url_host(host) || !text_to_int(port, 1, kPortMost, &number)) return false;
  *out = std::string(kTcp).append(host) + ":" + std::to_string(number);
  return true;
}

bool accept_addresses(std::string_view text, std::string* out) { return accept_list(text, is_address, out); }

bool accept_switch(std::string_view text, std::string* out) { return accept_if(text == kOn || text == kOff, text, out); }

bool accept_allowed(std::string_view text, std::string* out) {
  const auto fits = [](std::string_view part) {
    const std::string_view host = part.ends_with(']') ? part : part.substr(0, std::min(part.rfind(':'), part.size()));
    return (shape_is_ipv4(host) || is_bracketed_ipv6(host)) && is_host_and_port(part, false);
  };
  return accept_list(text, fits, out);
}

bool accept_hosts(std::string_view text, std::string* out) {
  return accept_list(text, [](std::string_view part) { return is_host_and_port(part, false); }, out);
}

// Which names there are, the engine knows best.
bool accept_capabilities(std::string_view text, std::string* out) {
  if (text == kCapsNone || text == kCapsOfEngine) return accept_if(true, text, out);
  std::string capitals(text);
  for (char& c : capitals) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  std::string names;
  const auto fits = [](std::string_view name) { return name.size() <= 32 && all_of(name, [](char c) { return is_letter(c) || c == '_'; }); };
  if (!accept_list(capitals, fits, &names)) return false;
  static constexpr std::string_view kPrefix = "CAP_";
  std::string kept;
  for (std::string_view name : text_list(names)) {
    if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
    if (name.empty()) return false;
    kept += (kept.empty() ? "" : ",") + std::string(name);
  }
  *out = kept;
  return true;
}

bool accept_token(std::string_view text, std::string* out) {
  const auto fits = [](char c) { return is_letter(c) || is_digit(c) || std::string_view("-._~+/=").find(c) != std::string_view::npos; };
  return accept_if(text.size() >= 16 && text.size() <= 256 && all_of(text, fits), text, out);
}

bool accept_place(std::string_view text, std::string* out) {
  static constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.substr(kUnix.size());
    return accept_if(is_absolute_path(path) && path.size() <= kSocketPathMost, text, out);
  }
  const std::string_view host = text.substr(0, std::min(text.rfind(':'), text.size()));
  const bool here = host == "localhost" || shape_is_ipv4(host) || is_bracketed_ipv6(host);
  return accept_if(here && is_host_and_port(text, true), text, out);
}

bool accept_keyboard(std::string_view text, std::string* out) {
  const size_t colon = text.find(':');
  const bool variant_fits = colon == text.npos || is_xkb_word(text.substr(colon + 1));
  return accept_if(text.size() <= 64 && variant_fits && is_xkb_word(text.substr(0, colon)), text, out);
}

bool accept_log_format(std::string_view text, std::string* out) { return accept_if(text == "text" || text == kLogJson, text, out); }

bool accept_recycle(std::string_view text, std::string* out) {
  return accept_if(text == "unwatched" || text == "oldest" || text == "never", text, out);
}

bool accept_clipboard(std::string_view text, std::string* out) {
  return accept_if(text == "both" || text == "in" || text == "out" || text == "off", text, out);
}

// What stands before the host must have a name, and is taken as it stands: what would end the host's part is percent-encoded.
bool accept_proxy(std::string_view text, std::string* out) {
  const size_t scheme = text.find("://");
  if (scheme == text.npos) return false;
  const size_t begin = scheme + 3;
  const size_t at = text.substr(0, text.find_first_of("/?#", begin)).rfind('@');
  std::string_view login;
  if (at != text.npos && at >= begin) login = text.substr(begin, at + 1 - begin);
  if (!login.empty() && (shape_has_control(login) || login.find(' ') != login.npos || login[0] == ':' || login == "@"))
    return false;
  const std::string rest(text.substr(begin + login.size()));
  const std::string bare = std::string(text.substr(0, begin)) + rest;
  std::string kept;
  if (text.starts_with("pac+"))
    return accept_web_url(std::string_view(bare).substr(4), &kept) && accept_if(true, text, out);
  if (bare.substr(0, bare.find_first_of("?#")).ends_with(".pac"))
    return accept_web_url(bare, &kept) && accept_if(true, text, out);
  if (const std::string_view name = text.substr(0, scheme); name != "http" && name != "https" && name != "socks5")
    return false;
  std::string_view place = text.substr(begin + login.size());
  if (place.ends_with('/')) {
    place.remove_suffix(1);
    text.remove_suffix(1);
  }
  return accept_if(is_host_and_port(place, true), text, out);
}

bool accept_shifts(std::string_view text, std::string* out) {
  std::vector<PoolShift> shifts;
  if (!shifts_parse(text, &shifts)) return false;
  *out = shifts_text(shifts);
  return true;
}

bool accept_exceptions(std::string_view text, std::string* out) { return accept_list(text, is_exception, out); }
bool accept_languages(std::string_view text, std::string* out) { return accept_list(text, is_language, out); }

// The zone database is in the image, not here; what TZ may hold besides (POSIX: "<-03>3") passes as well.
bool accept_time_zone(std::string_view text, std::string* out) {
  const auto fits = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("/_+-<>:,.").find(c) != std::string_view::npos;
  };
  return accept_if(text.size() <= 64 && all_of(text, fits), text, out);
}
