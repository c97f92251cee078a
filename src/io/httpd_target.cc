// The target of a request line: percent codes and the query, read as forms write them.
#include "io/httpd_target.h"

#include <event2/http.h>
#include <stdlib.h>

#include <algorithm>
#include <string_view>

// The size comes from libevent, not from strlen: what follows a %00 belongs to the value too.
static std::string percent_decode(std::string_view text, bool plus_is_blank) {
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
