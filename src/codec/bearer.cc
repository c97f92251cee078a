// A secret compared with what somebody gives for it.
#include "codec/bearer.h"

#include "codec/text.h"

bool bearer_holds(std::string_view authorization, std::string_view token) {
  static constexpr std::string_view kScheme = "bearer ";
  if (text_lower(authorization.substr(0, kScheme.size())) != kScheme) return false;
  const std::string_view given = text_trim(authorization.substr(kScheme.size()));
  if (given.empty() || token.empty()) return false;
  // Every character is looked at, whatever came of those before. volatile: the compiler leaves it at that.
  volatile size_t differ = given.size() ^ token.size();
  for (size_t i = 0; i < given.size(); i++) differ = differ | static_cast<unsigned char>(given[i] ^ token[i % token.size()]);
  return differ == 0;
}
