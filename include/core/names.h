// Names of containers and what may be a client: the one place that spells `vnc_` and `vnc_pool_`.
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <functional>
#include <string>
#include <string_view>

// True for [A-Za-z0-9][A-Za-z0-9_.-]{0,63} that does not begin with `pool_`: then vnc_{client} is a legal container name
// and can never be mistaken for a pool container.
bool client_is_valid(std::string_view client);

// How containers are called after clients: by name, or, with MASK_IDS, by a keyed hash, which nobody without the key leads back to them.
struct Naming {
  bool masked = false;
  std::function<std::string(std::string_view client)> hash;  // 32 hex digits by the installation's key; none where there is no key
};

// Who stands in for a client whose name is not known but for its hash: "_" and 32 hex digits, which no client can be called. A container
// found without a record under a hash is a stand-in's session until the client comes whose it is (core/stand_in.cc).
bool client_is_stand_in(std::string_view client);
std::string client_stand_in(const Naming& naming, std::string_view client);  // empty without a hash; a stand-in is its own

std::string client_container_name(std::string_view client);  // vnc_{client}
std::string client_container_name(const Naming& naming, std::string_view client);  // the same, or vnc_{stand-in} where names are masked
std::string pool_container_name(int port);                   // vnc_pool_{port}

enum class NameKind { Foreign, Pool, Client };

// Whose a container is by its name alone. Every `vnc_pool_*` is Pool, even with a strange tail. On Client, *client is set: to a client, or to a
// stand-in.
NameKind container_name_kind(std::string_view name, std::string* client);

#endif
