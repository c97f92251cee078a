// Where a request comes from, as far as a browser tells, and what that lets it do.
//
// Removing and listing are plain GETs, so any page that an administrator opens could have the browser call them: by a picture, a form, a
// script, a link. Or it has its own name lead to our address (DNS rebinding) and is then, to the browser, the same origin as we are.
#include "codec/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "codec/settings.h"
#include "codec/shape.h"
#include "codec/text.h"

namespace {

bool holds(const std::vector<std::string>& list, std::string_view one) { return std::find(list.begin(), list.end(), one) != list.end(); }

// Of host or host:port; an IPv6 address keeps its brackets.
std::string_view without_port(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  return colon == authority.npos || authority.ends_with(']') ? authority : authority.substr(0, colon);
}

// Of a URL, as browsers write it in Origin and Referer. Empty where there is none: "null", "about:blank".
std::string authority_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  const std::string_view rest = url.substr(scheme + 3);
  return text_lower(rest.substr(0, rest.find_first_of("/?#")));
}

bool host_is_ours(const std::string& header, const OwnHosts& own) {
  if (header.empty()) return true;  // HTTP/1.0: no browser
  const std::string authority = text_lower(header);
  std::string_view name = without_port(authority);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.starts_with('[') && name.ends_with(']')) return shape_is_ipv6(name.substr(1, name.size() - 2));
  if (shape_is_ipv4(name) || name.find('.') == name.npos) return true;
  return holds(own.names, name) || holds(own.listed, name) || holds(own.listed, authority);
}

bool page_is_ours(const std::string& url, const RequestSource& source, const OwnHosts& own) {
  const std::string authority = authority_of(url);
  return !authority.empty() && (authority == text_lower(source.host) || holds(own.listed, authority));
}

// What the browser itself says of the page counts for more than its Referer: behind a proxy that puts another Host in the place of its
// own, the two differ for our own pages, too. An Origin is not sent with what a page asks of its own site by GET.
bool is_foreign(const RequestSource& source, const OwnHosts& own) {
  if (!source.origin.empty() && !page_is_ours(source.origin, source, own)) return true;
  if (!source.fetch_site.empty()) return source.fetch_site != "same-origin" && source.fetch_site != "none";
  return !source.referer.empty() && !page_is_ours(source.referer, source, own);
}

// Somebody follows a link, is sent on, or has a frame filled. Of a frame is as much known as of a link, and portals show sessions in one:
// so Sec-Fetch-Dest decides nothing. Where Sec-Fetch-Mode is not sent, an Origin betrays a script, since navigations by GET have none.
bool is_navigation(const RequestSource& source) {
  if (!source.fetch_mode.empty()) return source.fetch_mode == "navigate";
  return source.fetch_site.empty() && source.origin.empty();
}

// Fetched in case somebody might want it: a link's target beforehand, or what is being typed into the address bar.
bool is_beforehand(const std::string& purpose) {
  const std::string text = text_lower(purpose);
  for (const char* word : {"prefetch", "prerender", "preview"})
    if (text.find(word) != text.npos) return true;
  return false;
}

std::string page_named(const RequestSource& source) {
  const std::string& url = source.origin.empty() ? source.referer : source.origin;
  const std::string authority = authority_of(url);
  return authority.empty() ? std::string() : " (" + text_one_line(authority, 100) + ")";
}

}  // namespace

OwnHosts origin_own_hosts(const Settings& settings, std::string_view machine) {
  OwnHosts own;
  for (const std::string_view name : {std::string_view(settings.vnc_host), std::string_view(settings.orchestrator_host), machine})
    if (!name.empty()) own.names.push_back(text_lower(name));
  if (const std::string access = authority_of(settings.vnc_access_url); !access.empty()) own.names.emplace_back(without_port(access));
  for (const std::string_view name : text_list(settings.allowed_hosts)) own.listed.push_back(text_lower(name));
  return own;
}

static bool is_within(std::string_view peer, const std::string& subnet) {
  const size_t slash = subnet.find('/');
  if (slash == subnet.npos) return false;
  const int family = subnet.find(':') == subnet.npos ? AF_INET : AF_INET6;
  constexpr std::string_view kMapped = "::ffff:";  // an IPv4 peer of an IPv6 listener
  if (family == AF_INET && peer.starts_with(kMapped)) peer.remove_prefix(kMapped.size());
  std::array<unsigned char, 16> address = {}, net = {};
  long bits = 0;
  if (inet_pton(family, std::string(peer).c_str(), address.data()) != 1 || inet_pton(family, subnet.substr(0, slash).c_str(), net.data()) != 1 ||
      !text_to_int(std::string_view(subnet).substr(slash + 1), 0, family == AF_INET ? 32 : 128, &bits))
    return false;
  for (long bit = 0; bit < bits; bit++) {
    const size_t byte = static_cast<size_t>(bit / 8);
    if ((address[byte] ^ net[byte]) & (0x80 >> (bit % 8))) return false;
  }
  return true;
}

bool origin_is_session(std::string_view peer, const std::vector<std::string>& subnets) {
  return std::any_of(subnets.begin(), subnets.end(), [peer](const std::string& subnet) { return is_within(peer, subnet); });
}

std::string origin_refusal(Door door, const RequestSource& source, const OwnHosts& own) {
  if (door == Door::Open) return {};
  if (is_beforehand(source.purpose)) return "A browser asks for this beforehand, and nobody has yet: open it when it is wanted.";
  if (door == Door::Visitor) {
    if (!is_foreign(source, own) || is_navigation(source)) return {};
    return "Another site's page" + page_named(source) +
           " may link to a session or show it in a frame; its scripts and pictures may not ask for one.";
  }
  if (!host_is_ours(source.host, own))
    return "This service is not known as " + text_one_line(source.host, 100) +
           ": ask it by its address or as localhost, or put that name into ALLOWED_HOSTS.";
  if (is_foreign(source, own))
    return "Another site's page" + page_named(source) + " may not do this: type the address into the browser, or use curl.";
  return {};
}
