// What the text of a setting may be: each of these is true, and sets *out to the value to keep, when the text is one; else *out is untouched.
#ifndef CODEC_ACCEPT_H
#define CODEC_ACCEPT_H

#include <string>
#include <string_view>

inline constexpr int kPortMost = 65535;

inline constexpr const char* kLogJson = "json";
inline constexpr const char* kOn = "on";
inline constexpr const char* kOff = "off";
inline constexpr const char* kCapsNone = "none";
inline constexpr const char* kCapsOfEngine = "engine";

using Accept = bool(std::string_view text, std::string* out);

Accept accept_plain;      // one line of UTF-8: no control character
Accept accept_file;       // a path that does not end in a slash
Accept accept_host_path;  // an absolute path, as a bind mount wants it
Accept accept_url_host;   // a host name, an IPv4 address, or an IPv6 address in brackets
Accept accept_address;    // an IP address
Accept accept_hosts;      // host names or addresses, each perhaps with a port, separated by commas; kept without blanks
Accept accept_token;      // a bearer token (RFC 6750) that is too long to be guessed
Accept accept_place;      // an IP address or localhost with a port, or "unix:" and an absolute path
Accept accept_addresses;  // one or more, separated by commas; kept without blanks
Accept accept_listen;     // an IP address or a host name
Accept accept_subnet;     // IPv4, CIDR
Accept accept_image;      // as docker takes it
Accept accept_network;    // the name of a network that may be ours
Accept accept_scheme;     // http, https
Accept accept_web_url;    // http or https, to put into a link: a host, perhaps a port, anything that may stand in a URL
Accept accept_engine;     // as the docker command has it; the socket and the port may be left out, and are kept whole
Accept accept_keyboard;   // "auto", or an XKB layout and perhaps its variant: "br", "us:intl"
Accept accept_clipboard;  // both, in, out, off
Accept accept_log_format;  // text, kLogJson
Accept accept_switch;     // kOn, kOff
Accept accept_allowed;    // IP addresses, those of IPv6 in brackets, each perhaps with a port, separated by commas; kept without blanks
Accept accept_recycle;    // unwatched, oldest, never
Accept
    accept_proxy;  // http://, https:// or socks5:// with host and port; or a web URL of a PAC file (".pac", or "pac+" before it); each perhaps with name:password@
Accept
    accept_exceptions;  // of a proxy: host names, .domains, addresses and subnets, separated by commas; kept without blanks
Accept accept_shifts;     // hours at which the pool has a least size, as shifts_parse reads them; kept with single blanks
Accept accept_capabilities;  // kCapsNone, kCapsOfEngine, or names such as SYS_ADMIN separated by commas; kept in capitals, without blanks and CAP_
Accept accept_languages;  // language tags (BCP 47), separated by commas, the best first; kept without blanks
Accept accept_time_zone;  // a name of the zone database: "America/Sao_Paulo"

#endif
