// The target of a request line: percent codes and the query, read as forms write them. The headers that tell where a request comes from.
#include "io/httpd_target.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>
#include <stdlib.h>

#include <algorithm>
#include <string_view>

// The size comes from libevent, not from strlen: what follows a %00 belongs to the value too.
static std::string percent_decode(std::string_view text, bool plus_is_blank) {
  if (text.find_first_of(plus_is_blank ? "%+" : "%") == text.npos) return std::string(text);  // nearly always
  const std::string copy(text);
  size_t size = 0;
  char* decoded = evhttp_uridecode(copy.c_str(), plus_is_blank ? 1 : 0, &size);
  if (decoded == nullptr) return {};
  std::string result(decoded, size);
  free(decoded);
  return result;
}

static void split_query(std::string_view query, std::vector<std::pair<std::string, std::string>>* params) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    params->emplace_back(percent_decode(part.substr(0, equals), true),
                         percent_decode(part.substr(std::min(equals + 1, part.size())), true));
  }
}

void httpd_target_read(const evhttp_uri* uri, HttpRequest* out) {
  if (uri == nullptr) return;
  if (const char* path = evhttp_uri_get_path(uri)) out->path = percent_decode(path, false);
  if (const char* query = evhttp_uri_get_query(uri)) split_query(query, &out->params);
}

void httpd_source_read(const evkeyvalq* headers, HttpRequest* out) {
  static constexpr struct {
    const char* name;
    std::string RequestSource::*value;
  } kRead[] = {{"Host", &RequestSource::host},
               {"Origin", &RequestSource::origin},
               {"Referer", &RequestSource::referer},
               {"Sec-Fetch-Site", &RequestSource::fetch_site},
               {"Sec-Fetch-Mode", &RequestSource::fetch_mode},
               {"Sec-Purpose", &RequestSource::purpose},
               {"Purpose", &RequestSource::purpose},
               {"X-Purpose", &RequestSource::purpose},
               {"X-Moz", &RequestSource::purpose},
               {"Authorization", &RequestSource::authorization}};
  for (const evkeyval* header = headers->tqh_first; header != nullptr; header = header->next.tqe_next) {
    if (out->label.empty() && evutil_ascii_strcasecmp(header->key, "X-Request-Id") == 0) out->label = header->value;
    for (const auto& [name, value] : kRead) {
      if ((out->source.*value).empty() && evutil_ascii_strcasecmp(header->key, name) == 0) out->source.*value = header->value;
    }
  }
}
