// Docker Engine API bodies, both ways: values to JSON and JSON to values. Pure; jansson stays inside the .cc.
// Protocol facts: https://docs.docker.com/engine/api/ (v1.41 up to today's).
#ifndef CODEC_DOCKER_JSON_H
#define CODEC_DOCKER_JSON_H

#include <string>
#include <string_view>
#include <vector>

#include "codec/container.h"

// The API version to speak with an engine that offers [minimum, newest]: the newest that both know, never below 1.41.
// False with *error in plain words when there is none (engine too old, or one day too new).
bool docker_choose_api(const EngineVersion& offered, std::string* api, std::string* error);

// Body of POST /containers/create: 256 MB of shared memory, bounded json-file logs (10 MB x 2), no restart policy, one published port,
// the session network, env, labels and read-only mounts. With API >= 1.44 nothing more yet.
std::string docker_create_body(const LaunchSpec& spec);
// Body of POST /networks/create: bridge, one subnet, our instance label; when `isolated`, containers in it do not reach one another.
std::string docker_network_body(const NetworkSpec& spec, bool isolated = true);

// The parsers return false with *error set (outputs untouched) when the text is not what the API promises.
bool docker_parse_version(std::string_view text, EngineVersion* out, std::string* error);
bool docker_parse_created(std::string_view text, std::string* id, std::string* error);
// `network` and `container_port` say which attachment and which published port count.
bool docker_parse_inspect(std::string_view text, std::string_view network, int container_port, ContainerInfo* out, std::string* error);
// GET /containers/json: health comes from the text of "Status" ("Up 2 seconds (healthy)"), present in every API version.
bool docker_parse_list(std::string_view text, std::string_view network, int container_port, std::vector<ContainerInfo>* out,
                       std::string* error);
struct DockerNetwork {
  std::vector<std::string> subnets;  // in the engine's order
  bool isolated = false;             // it keeps its containers apart
  std::string bridge;                // the interface of its host by which it is reached; empty: it is of another kind
};
// GET /images/{name}/json: its id; empty when the text has none.
std::string docker_parse_image(std::string_view text);
// GET /networks/{name}
bool docker_parse_network(std::string_view text, DockerNetwork* out, std::string* error);
// One line of GET /events. False without an error text: an event nobody needs. False with one: not an event.
bool docker_parse_event(std::string_view line, EngineEvent* out, std::string* error);
// One line of the answer to POST /images/create. An "error" member makes it false with that text.
bool docker_parse_pull_line(std::string_view line, std::string* progress, std::string* error);

// {"message": "..."} of an error answer, or the body's beginning when it is something else; one clean line.
std::string docker_error_message(std::string_view body);

enum class DockerCall { Version, Network, NetworkCreate, Create, Start, Inspect, List, Remove, Rename, Image, Pull, Events };

// From an HTTP status and the engine's message to the fault a rule can act on (port taken, name taken, image missing ...). The engine
// tells ports and networks apart only by words, on create and start: "port is already allocated", "address already in use",
// "network ... not found"; known wordings of 20.10 to today's are covered by recorded answers in the tests.
EngineFault docker_fault(DockerCall call, long http_status, std::string_view message);

#endif
