// The Docker engine behind engine.h: which call of its API does what, and what its answers mean.
// Protocol: https://docs.docker.com/engine/api/ (v1.41 and later). Seen with engine 20.10 unless a comment says otherwise.
#include <string.h>
#include <time.h>

#include <algorithm>
#include <mutex>

#include "codec/docker_json.h"
#include "codec/text.h"
#include "io/docker_http.h"
#include "io/docker_tls.h"
#include "io/engine.h"

namespace {

constexpr long kPullQuietMs =
    300000;  // an engine that pulls tells its progress all the time; a slow registry may be silent for minutes
constexpr int64_t kPullProgressMs = 3000;
constexpr long kLookMs = 100;  // between looks at what somebody else is doing
constexpr int kNetworkLooks = 20;
constexpr size_t kMostErrorText = 600;
constexpr size_t kMostListing = size_t{16}
                                << 20;  // some 2 KiB a container, and their JSON takes ten times that in memory

struct Docker {
  DockerOptions options;
  DockerEndpoint endpoint;
  std::mutex mutex;
  std::string api;  // agreed with the engine, "1.41"; empty: not yet. Guarded by mutex
};

Docker* docker_of(void* self) { return static_cast<Docker*>(self); }

int64_t monotonic_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rest_ms(long ms) {
  const timespec rest = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&rest, nullptr);
}

std::string known_api(Docker* docker) {
  std::lock_guard<std::mutex> lock(docker->mutex);
  return docker->api;
}

void set_api(Docker* docker, const std::string& api) {
  std::lock_guard<std::mutex> lock(docker->mutex);
  docker->api = api;
}

// The parts are clean already, but for a name or an image that settings or a state file brought: then all is made clean once more.
EngineError error_of(EngineFault fault, const std::string& what, const std::string& why) {
  const std::string text = what + ": " + why;
  const bool clean = std::none_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
  return {fault, clean && text.size() <= kMostErrorText ? text : text_one_line(text, kMostErrorText)};
}

const char* hint_of(EngineFault fault) {
  switch (fault) {
    case EngineFault::PortTaken: return "; free that port, or change PORT_RANGE_MIN and PORT_RANGE_MAX";
    case EngineFault::ImageMissing: return "; build it (make image), pull it (docker pull), or change VNC_IMAGE";
    case EngineFault::NameTaken: return "; a container of that name is still there (docker ps -a)";
    case EngineFault::Failed: return "; the engine's own log may say more";
    case EngineFault::None:
    case EngineFault::Unreachable:
    case EngineFault::Unknown:
    case EngineFault::NotFound:
    case EngineFault::NetworkMissing:
    case EngineFault::TooOld:
    case EngineFault::Refused: break;
  }
  return "";
}

bool is_success(long status) { return (status >= 200 && status < 300) || status == 304; }

// A success that is not this call's own comes from something that is no engine: a page, say, that greets whoever asks for whatever.
bool is_success_of(DockerCall call, const DockerReply& reply) {
  switch (call) {
    case DockerCall::Version:
    case DockerCall::Inspect:
    case DockerCall::List:
    case DockerCall::Image:
    case DockerCall::Network: return reply.status == 200 && reply.json;
    case DockerCall::Create:
    case DockerCall::NetworkCreate: return reply.status == 201 && reply.json;
    case DockerCall::Start: return reply.status == 204 || reply.status == 304;
    case DockerCall::Remove:
    case DockerCall::Rename: return reply.status == 204;
    case DockerCall::Pull:
    case DockerCall::Events: return reply.status == 200;
  }
  return false;
}

EngineError nonsense(const DockerRequest& request, const std::string& what, const std::string& why) {
  // Whoever changed something and cannot read the answer must look what became of it.
  const bool harmless = strcmp(request.method, "GET") == 0;
  return error_of(harmless ? EngineFault::Failed : EngineFault::Unknown, what,
                  "the Docker engine's answer makes no sense: " + why);
}

// An answer that is no success, in the words of a rule and of people.
EngineError refusal(DockerCall call, const std::string& what, const DockerReply& reply) {
  const std::string message = docker_error_message(reply.body);
  // An engine's errors are JSON: the 404 page of something else says nothing about a container.
  if (!reply.json) {
    if (message.find("HTTP request to an HTTPS server") != std::string::npos)
      return error_of(EngineFault::Failed, what, "the Docker engine wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH");
    return error_of(EngineFault::Failed, what,
                    "status " + std::to_string(reply.status) + ", and not in the way of a Docker engine: " + message);
  }
  const EngineFault fault = docker_fault(call, reply.status, message);
  return error_of(fault, what, "the Docker engine says: " + message + hint_of(fault));
}

EngineError ask_version(Docker* docker, const StopSign* stop, EngineVersion* out) {
  const std::string what = "ask the Docker engine for its version";
  DockerRequest request;
  request.target = "/version";
  request.timeout_ms = docker->options.call_timeout_ms;
  request.stop = stop;
  DockerReply reply;
  if (EngineError error = docker_exchange(docker->endpoint, request, &reply))
    return error_of(error.fault, what, error.text);
  if (!is_success(reply.status)) return refusal(DockerCall::Version, what, reply);
  if (!is_success_of(DockerCall::Version, reply)) return nonsense(request, what, "it is no JSON");
  EngineVersion version;
  std::string why, api;
  if (!docker_parse_version(reply.body, &version, &why)) return nonsense(request, what, why);
  if (!docker_choose_api(version, &api, &why))
    return error_of(EngineFault::TooOld, "agree with the Docker engine", why);
  set_api(docker, api);
  *out = version;
  return {};
}

EngineError docker_version(void* self, EngineVersion* out) { return ask_version(docker_of(self), nullptr, out); }

// An engine that was upgraded or replaced while we run refuses the version agreed before.
bool refuses_our_api(const DockerReply& reply) {
  return reply.status == 400 && docker_error_message(reply.body).find("client version") != std::string::npos;
}

// Sends the request under the agreed API version (agreeing first when needed) by `send`, which is docker_exchange or docker_stream.
template <typename Send>
EngineError under_agreed_api(Docker* docker, const DockerRequest& request, DockerReply* reply, Send send) {
  for (int attempt = 0;; ++attempt) {
    std::string api = known_api(docker);
    if (api.empty()) {
      EngineVersion version;
      if (EngineError error = ask_version(docker, request.stop, &version)) {
        // What was asked for has not been sent: whatever happened to the question about the version, that much is known.
        if (error.fault == EngineFault::Unknown) error.fault = EngineFault::Unreachable;
        return error;
      }
      api = known_api(docker);
    }
    DockerRequest versioned = request;
    versioned.target = "/v" + api + request.target;
    EngineError error = send(versioned, reply);
    if (error.fault == EngineFault::Unreachable) set_api(docker, "");  // who answers next may be another engine
    if (error || !refuses_our_api(*reply) || attempt > 0) return error;
    set_api(docker, "");
  }
}

// One call; *reply is set whenever the engine answered, also with an error.
EngineError docker_call(Docker* docker, DockerCall call, const DockerRequest& request, const std::string& what,
                        DockerReply* reply) {
  const EngineError error =
      under_agreed_api(docker, request, reply, [docker](const DockerRequest& versioned, DockerReply* into) {
        return docker_exchange(docker->endpoint, versioned, into);
      });
  if (error) return error_of(error.fault, what, error.text);
  if (!is_success(reply->status)) return refusal(call, what, *reply);
  if (!is_success_of(call, *reply))
    return nonsense(request, what, "status " + std::to_string(reply->status) + " is not what this call answers");
  return {};
}

DockerRequest request_for(const Docker* docker, const char* method, const std::string& target) {
  DockerRequest request;
  request.method = method;
  request.target = target;
  request.timeout_ms = docker->options.call_timeout_ms;
  return request;
}

// What stands in a record or was never set could name another path of the API.
bool can_name_a_container(const std::string& text) {
  static constexpr char kAllowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-";
  return !text.empty() && text[0] != '.' && text[0] != '-' && text.find_first_not_of(kAllowed) == std::string::npos;
}

std::string shown(const std::string& id_or_name) {
  const bool id = id_or_name.size() == 64 && id_or_name.find_first_not_of("0123456789abcdef") == std::string::npos;
  return "container " + (id ? std::string(text_short_id(id_or_name)) : id_or_name);
}

EngineError no_such_name(const std::string& what) {
  return error_of(EngineFault::NotFound, what, "no container can be called that");
}

EngineError docker_inspect(void* self, const std::string& id_or_name, ContainerInfo* out) {
  Docker* docker = docker_of(self);
  const std::string what = "inspect " + shown(id_or_name);
  if (!can_name_a_container(id_or_name)) return no_such_name(what);
  const DockerRequest request = request_for(docker, "GET", "/containers/" + docker_escape(id_or_name) + "/json");
  DockerReply reply;
  if (EngineError error = docker_call(docker, DockerCall::Inspect, request, what, &reply)) return error;
  std::string why;
  if (!docker_parse_inspect(reply.body, docker->options.network, docker->options.container_port, out, &why)) {
    return nonsense(request, what, why);
  }
  return {};
}

EngineError look_for_network(Docker* docker, const std::string& name, EngineNetwork* network, bool* missing) {
  const std::string what = "look for network " + name;
  const DockerRequest request = request_for(docker, "GET", "/networks/" + docker_escape(name));
  DockerReply reply;
  EngineError error = docker_call(docker, DockerCall::Network, request, what, &reply);
  *missing = error.fault == EngineFault::NetworkMissing;
  if (error) return error;
  std::string why;
  DockerNetwork found;
  if (!docker_parse_network(reply.body, &found, &why)) return nonsense(request, what, why);
  network->subnets = std::move(found.subnets);
  network->isolated = found.isolated;
  network->bridge = std::move(found.bridge);
  return {};
}

EngineError docker_ensure_network(void* self, const NetworkSpec& spec, EngineNetwork* out) {
  Docker* docker = docker_of(self);
  if (!can_name_a_container(spec.name)) {
    return error_of(EngineFault::Refused, "make network " + spec.name,
                    "no network can be called that: see DOCKER_NETWORK_NAME");
  }
  EngineNetwork network;
  bool missing = false;
  EngineError error = look_for_network(docker, spec.name, &network, &missing);
  if (missing) {
    DockerRequest request = request_for(docker, "POST", "/networks/create");
    request.body = docker_network_body(spec);
    DockerReply reply;
    EngineError refused =
        docker_call(docker, DockerCall::NetworkCreate, request, "make network " + spec.name, &reply);
    // Without the kernel's br_netfilter the engine keeps no containers apart, and refuses to say that it does.
    if (refused && reply.body.find("inter-container") != std::string::npos) {
      request.body = docker_network_body(spec, false);
      refused = docker_call(docker, DockerCall::NetworkCreate, request, "make network " + spec.name, &reply);
    }
    network.created = !refused;
    // Whoever else makes it at this moment shows as "already exists", or as an address range that overlaps, a moment before
    // the engine shows the network itself.
    error = look_for_network(docker, spec.name, &network, &missing);
    for (int i = 0; i < kNetworkLooks && missing && refused; ++i) {
      rest_ms(kLookMs);
      error = look_for_network(docker, spec.name, &network, &missing);
    }
    if (missing && refused) {
      error = refused;
      if (reply.status == 403 || reply.body.find("overlap") != std::string::npos) {
        error.text += "; another network has these addresses: change DOCKER_NETWORK_SUBNET (" + spec.subnet + ")";
      }
    }
  }
  if (error) return error;
  *out = network;
  return {};
}

EngineError docker_create_container(void* self, const LaunchSpec& spec, std::string* id) {
  Docker* docker = docker_of(self);
  const std::string what = "create container " + spec.name + " from image " + spec.image;
  DockerRequest request = request_for(docker, "POST", "/containers/create?name=" + docker_escape(spec.name));
  request.body = docker_create_body(spec);
  DockerReply reply;
  if (EngineError error = docker_call(docker, DockerCall::Create, request, what, &reply)) return error;
  std::string why;
  if (!docker_parse_created(reply.body, id, &why)) return nonsense(request, what, why);
  return {};
}

EngineError docker_start(void* self, const std::string& id) {
  Docker* docker = docker_of(self);
  const std::string what = "start " + shown(id);
  if (!can_name_a_container(id)) return no_such_name(what);
  DockerReply reply;  // 204, or 304 when it runs already
  return docker_call(docker, DockerCall::Start,
                     request_for(docker, "POST", "/containers/" + docker_escape(id) + "/start"), what, &reply);
}

EngineError docker_list(void* self, std::vector<ContainerInfo>* out) {
  Docker* docker = docker_of(self);
  const std::string what = "list containers";
  // The engine's filters cannot say "this name or that label", and two listings would be two photographs.
  DockerRequest request = request_for(docker, "GET", "/containers/json?all=1");
  request.most_body = kMostListing;
  DockerReply reply;
  if (EngineError error = docker_call(docker, DockerCall::List, request, what, &reply)) return error;
  std::vector<ContainerInfo> all;
  std::string why;
  if (!docker_parse_list(reply.body, docker->options.network, docker->options.container_port, &all, &why)) {
    return nonsense(request, what, why);
  }
  out->clear();
  for (ContainerInfo& info : all) {
    const bool ours = !docker->options.instance.empty() && info.instance == docker->options.instance;
    if (ours || info.name.rfind("vnc_", 0) == 0) out->push_back(std::move(info));
  }
  return {};
}

// A removal that somebody else began: until the engine knows the container no more, its name and port are taken.
EngineError await_removal(Docker* docker, const std::string& id, const std::string& what) {
  const int64_t limit = monotonic_ms() + docker->options.call_timeout_ms;
  for (;;) {
    ContainerInfo info;
    const EngineError error = docker_inspect(docker, id, &info);
    if (error.fault == EngineFault::NotFound) return {};
    if (error) return error;
    if (monotonic_ms() >= limit)
      return error_of(EngineFault::Unknown, what, "its removal, begun before, is still not done");
    rest_ms(kLookMs);
  }
}

EngineError docker_remove(void* self, const std::string& id) {
  Docker* docker = docker_of(self);
  const std::string what = "remove " + shown(id);
  if (!can_name_a_container(id)) return no_such_name(what);
  DockerReply reply;
  const EngineError error =
      docker_call(docker, DockerCall::Remove,
                  request_for(docker, "DELETE", "/containers/" + docker_escape(id) + "?force=1&v=1"), what, &reply);
  if (error.fault == EngineFault::NotFound) return {};
  if (error && reply.status == 409 && reply.body.find("already in progress") != std::string::npos)
    return await_removal(docker, id, what);
  return error;
}

EngineError docker_rename(void* self, const std::string& id, const std::string& name) {
  Docker* docker = docker_of(self);
  const std::string what = "rename " + shown(id) + " to " + name;
  if (!can_name_a_container(id)) return no_such_name(what);
  DockerReply reply;
  return docker_call(
      docker, DockerCall::Rename,
      request_for(docker, "POST", "/containers/" + docker_escape(id) + "/rename?name=" + docker_escape(name)), what,
      &reply);
}

// The engine takes the slashes of an image's name as they are.
EngineError docker_look_for_image(void* self, const std::string& image, std::string* id) {
  Docker* docker = docker_of(self);
  std::string name;
  for (size_t start = 0; start <= image.size();) {
    const size_t slash = std::min(image.find('/', start), image.size());
    name += "/" + docker_escape(std::string_view(image).substr(start, slash - start));
    start = slash + 1;
  }
  // Somebody waits for it who has little patience, a load balancer as a rule.
  constexpr long kImageTimeoutMs = 3000;
  DockerRequest request = request_for(docker, "GET", "/images" + name + "/json");
  request.timeout_ms = std::min(request.timeout_ms, kImageTimeoutMs);
  DockerReply reply;
  const EngineError error = docker_call(docker, DockerCall::Image, request, "look for image " + image, &reply);
  if (!error) *id = docker_parse_image(reply.body);
  return error;
}

// Without a tag the engine would pull every tag there is.
std::string pull_target(const std::string& image) {
  const size_t slash = image.rfind('/');
  const bool exact = image.find(':', slash == std::string::npos ? 0 : slash) != std::string::npos ||
                     image.find('@') != std::string::npos;
  return "/images/create?fromImage=" + docker_escape(image) + (exact ? "" : "&tag=latest");
}

EngineError docker_pull(void* self, const std::string& image, const std::function<void(const std::string&)>& progress) {
  Docker* docker = docker_of(self);
  const std::string what = "pull image " + image;
  std::string failure;
  int64_t told_ms = 0;
  DockerStream stream;
  stream.line = [&](std::string_view line) {
    std::string text, why;
    if (!docker_parse_pull_line(line, &text, &why)) {
      failure = why.empty() ? "an unreadable line of progress" : why;
      return false;
    }
    const int64_t now = monotonic_ms();
    if (progress && !text.empty() && now - told_ms >= kPullProgressMs) {
      told_ms = now;
      progress(text_one_line(text));
    }
    return true;
  };
  DockerRequest request = request_for(docker, "POST", pull_target(image));
  request.timeout_ms = kPullQuietMs;
  request.quiet_timeout_ms = kPullQuietMs;
  DockerReply reply;
  const EngineError error =
      under_agreed_api(docker, request, &reply, [&](const DockerRequest& versioned, DockerReply* into) {
        return docker_stream(docker->endpoint, versioned, stream, into);
      });
  // Nothing was said under status 200 yet when the image is looked for; later the engine has only its stream to say what went wrong.
  if (!failure.empty()) return error_of(EngineFault::Failed, what, "the Docker engine says: " + failure);
  if (error) return error_of(error.fault, what, error.text);
  if (!is_success(reply.status)) return refusal(DockerCall::Pull, what, reply);
  return {};
}

// With `since` the engine first repeats what happened from that moment on. 20.10 sends its headers just before it subscribes; so what
// falls into that gap is not lost. Its clock is ours, or close enough: a clock behind ours only means that nothing is repeated.
std::string events_target() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  std::string nanoseconds = std::to_string(now.tv_nsec);
  nanoseconds.insert(0, 9 - nanoseconds.size(), '0');
  return "/events?since=" + std::to_string(now.tv_sec) + "." + nanoseconds +
         "&filters=" + docker_escape("{\"type\":[\"container\",\"network\"]}");
}

EngineError docker_watch(void* self, const StopSign* stop, const std::function<void()>& opened,
                         const std::function<void(const EngineEvent&)>& event) {
  Docker* docker = docker_of(self);
  const std::string what = "listen to the Docker engine's events";
  std::string failure;
  DockerStream stream;
  stream.opened = opened;
  stream.line = [&](std::string_view line) {
    EngineEvent parsed;
    if (docker_parse_event(line, &parsed, &failure)) event(parsed);
    return failure.empty();
  };
  DockerRequest request = request_for(docker, "GET", events_target());
  request.stop = stop;
  DockerReply reply;
  const EngineError error =
      under_agreed_api(docker, request, &reply, [&](const DockerRequest& versioned, DockerReply* into) {
        return docker_stream(docker->endpoint, versioned, stream, into);
      });
  if (stop != nullptr && stop->set.load()) return {};
  if (!failure.empty())
    return error_of(EngineFault::Failed, what, "the Docker engine sent what is no event: " + failure);
  if (error) return error_of(error.fault, what, error.text);
  if (!is_success(reply.status)) return refusal(DockerCall::Events, what, reply);
  return error_of(EngineFault::Unknown, what, "the Docker engine ended the stream; it stops or was restarted");
}

void docker_destroy(void* self) { delete docker_of(self); }

constexpr EngineOps kDockerOps = {
    .version = docker_version,
    .ensure_network = docker_ensure_network,
    .create = docker_create_container,
    .start = docker_start,
    .inspect = docker_inspect,
    .list = docker_list,
    .remove = docker_remove,
    .rename = docker_rename,
    .look_for_image = docker_look_for_image,
    .pull = docker_pull,
    .watch = docker_watch,
    .destroy = docker_destroy,
};

}  // namespace

EnginePtr docker_create(const DockerOptions& options, std::string* error) {
  DockerEndpoint endpoint;
  endpoint.connect_timeout_ms = options.connect_timeout_ms;
  endpoint.tls_folder = options.tls_folder;
  if (!docker_endpoint_parse(options.host, &endpoint, error)) return nullptr;
  if (!endpoint.tls_folder.empty()) *error = docker_tls_problem(endpoint.tls_folder);
  if (!error->empty()) return nullptr;
  Docker* docker = new Docker;
  docker->options = options;
  docker->endpoint = endpoint;
  return EnginePtr(new Engine{&kDockerOps, docker});
}
