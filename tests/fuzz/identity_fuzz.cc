// Who asks and for which screen: "id&width&height", each as a parameter of a request brings it.
#include "codec/identity.h"

#include <optional>

#include "core/names.h"
#include "fuzz/fuzz.h"

namespace {

constexpr std::string_view kFirst = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kLater = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-";

std::string parsed(std::string_view raw) {
  std::string client, error;
  return identity_parse(raw, &client, &error) ? client : "";
}

void check_client(std::string_view raw) {
  std::string client = "untouched", error;
  if (!identity_parse(raw, &client, &error)) {
    HOLDS(client == "untouched" && !error.empty() && is_harmless(error), raw);
    return;
  }
  HOLDS(!client.empty() && client.size() <= 64 && kFirst.find(client[0]) != kFirst.npos, client);
  HOLDS(client.find_first_not_of(kLater) == std::string::npos && !client.starts_with("pool_"), client);
  HOLDS(parsed(client) == client && parsed("\t " + client + " \r\n") == client, client);
  if (client.size() == 11 && client.find_first_not_of("0123456789") == std::string::npos) {
    const std::string dotted =
        client.substr(0, 3) + "." + client.substr(3, 3) + "." + client.substr(6, 3) + "-" + client.substr(9);
    HOLDS(parsed(dotted) == client, client);
  }
  const std::string name = client_container_name(client);
  std::string back;
  HOLDS(container_name_kind(name, &back) == NameKind::Client && back == client, client);
}

void check_size(const std::optional<std::string>& width, const std::optional<std::string>& height) {
  bool given = false;
  Size size;
  std::string error;
  const auto text = [](const std::optional<std::string>& one) { return one ? &*one : nullptr; };
  if (!identity_parse_size(text(width), text(height), &given, &size, &error)) {
    HOLDS(width && height && !error.empty() && is_harmless(error), error);
    return;
  }
  if (!given) return;
  HOLDS(width && height && size.width >= kSizeMin && size.width <= kSizeMax, *width);
  HOLDS(size.height >= kSizeMin && size.height <= kSizeMax, *height);
  const std::string wide = std::to_string(size.width), high = std::to_string(size.height);
  Size again;
  HOLDS(identity_parse_size(&wide, &high, &given, &again, &error) && given && again == size, *width);
}

}  // namespace

FUZZ_TARGET(identity) {
  std::string_view rest = input;
  check_client(fuzz_take(&rest, '&'));
  const bool has_width = !rest.empty();
  const std::string width(fuzz_take(&rest, '&'));
  const bool has_height = !rest.empty();
  check_size(has_width ? std::optional(width) : std::nullopt, has_height ? std::optional(std::string(rest)) : std::nullopt);
  std::string client;
  if (container_name_kind(input, &client) == NameKind::Client) HOLDS(client_container_name(client) == input, input);
}
