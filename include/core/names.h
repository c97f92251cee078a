// Names of containers and what may be a client: the one place that spells `vnc_` and `vnc_pool_`.
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <string>
#include <string_view>

// True for [A-Za-z0-9][A-Za-z0-9_.-]{0,63} that does not begin with `pool_`: then vnc_{client} is a legal container name
// and can never be mistaken for a pool container.
bool client_is_valid(std::string_view client);

std::string client_container_name(std::string_view client);  // vnc_{client}
std::string pool_container_name(int port);                   // vnc_pool_{port}

enum class NameKind { Foreign, Pool, Client };

// Whose a container is by its name alone. Every `vnc_pool_*` is Pool, even with a strange tail. On Client, *client is set.
NameKind container_name_kind(std::string_view name, std::string* client);

#endif
