// The one place that spells `vnc_` and `vnc_pool_`.
#include "core/names.h"

namespace {

constexpr std::string_view kPrefix = "vnc_";
constexpr std::string_view kPoolPrefix = "vnc_pool_";
constexpr std::string_view kReserved = "pool_";  // what follows kPrefix in kPoolPrefix
constexpr size_t kClientMost = 64;
constexpr char kStandIn = '_';
constexpr size_t kHashDigits = 32;

// Not isalnum(): that one follows the locale.
bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

bool client_is_valid(std::string_view client) {
  if (client.empty() || client.size() > kClientMost || !is_letter_or_digit(client.front())) return false;
  if (client.starts_with(kReserved)) return false;
  for (char c : client) {
    if (!is_letter_or_digit(c) && c != '_' && c != '.' && c != '-') return false;
  }
  return true;
}

bool client_is_stand_in(std::string_view client) {
  return client.size() == 1 + kHashDigits && client.front() == kStandIn &&
         client.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

std::string client_stand_in(const Naming& naming, std::string_view client) {
  if (client_is_stand_in(client)) return std::string(client);
  return naming.hash ? kStandIn + naming.hash(client) : std::string();
}

std::string client_container_name(const Naming& naming, std::string_view client) {
  return naming.masked ? client_container_name(client_stand_in(naming, client)) : client_container_name(client);
}

std::string client_container_name(std::string_view client) { return std::string(kPrefix).append(client); }

std::string pool_container_name(int port) { return std::string(kPoolPrefix) + std::to_string(port); }

NameKind container_name_kind(std::string_view name, std::string* client) {
  if (name.starts_with(kPoolPrefix)) return NameKind::Pool;
  if (!name.starts_with(kPrefix)) return NameKind::Foreign;
  std::string_view rest = name.substr(kPrefix.size());
  if (!client_is_valid(rest) && !client_is_stand_in(rest)) return NameKind::Foreign;
  client->assign(rest);
  return NameKind::Client;
}
