// Clients as they are shown where MASK_IDS is on: recognisable to who knows them, and not to who reads a log.
#ifndef CODEC_MASK_H
#define CODEC_MASK_H

#include <string>
#include <string_view>

// A CPF, with or without punctuation, as ***.222.333-**; anything else by its first two characters and ***, four characters and less as ***.
std::string mask_client(std::string_view client);

// Every client in a line of the log: what follows CPF= and the vnc_ of a container's name, and whatever looks like a CPF, wherever it stands.
// `network` (DOCKER_NETWORK_NAME) and names of the pool's containers are left as they are, and so are keyed hashes.
std::string mask_line(std::string_view line, std::string_view network);

#endif
