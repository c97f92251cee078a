// Requests that pages of other sites have a browser make: which of them are let in, judged by what browsers say about them.
#ifndef CODEC_ORIGIN_H
#define CODEC_ORIGIN_H

#include <string>
#include <string_view>
#include <vector>

struct Settings;

// Headers as they came; empty: not sent. Of programs that are no browsers nobody sends the others than Host. Browsers send Sec-Fetch-* to
// https and to localhost only, and a page may have its Referer left out.
struct RequestSource {
  std::string host = {};
  std::string origin = {};
  std::string referer = {};
  std::string fetch_site = {};  // Sec-Fetch-Site
  std::string fetch_mode = {};  // Sec-Fetch-Mode
  std::string purpose = {};     // Sec-Purpose, or one of its older names
  std::string authorization = {};  // a secret: shown nowhere, and of no weight here
};

// Who may come in by a route.
enum class Door {
  Open,     // everybody
  Visitor,  // people, and the links and frames of other sites; no scripts or pictures of theirs
  Admin,    // no page of another site, and nobody who calls us by a name that is not ours
};

// Names in lower case. Addresses, localhost and names without a dot are ours besides: no stranger can have a name server answer for these.
struct OwnHosts {
  std::vector<std::string> names;   // as whatever port they are asked for
  std::vector<std::string> listed;  // ALLOWED_HOSTS: name or name:port. A page of just that host and port is one of ours, too
};
// `machine`: what this machine calls itself; may be empty.
OwnHosts origin_own_hosts(const Settings& settings, std::string_view machine);

// Whether a request comes from inside a session, whose browser anybody may drive: its address is in one of these subnets (CIDR).
bool origin_is_session(std::string_view peer, const std::vector<std::string>& subnets);

// Why such a request is not let in, for whoever made it and for the log; empty: it is.
std::string origin_refusal(Door door, const RequestSource& source, const OwnHosts& own);

#endif
