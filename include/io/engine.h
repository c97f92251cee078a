// What a container engine can do for us, as a table of operations: Docker over its API today, another engine behind the same door later.
// Every call blocks, may be made from any thread at once, returns its error as a value and logs nothing.
#ifndef IO_ENGINE_H
#define IO_ENGINE_H

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "codec/container.h"
#include "io/stop_sign.h"

struct EngineNetwork {
  bool created = false;
  std::vector<std::string> subnets;  // as the engine has them: may differ from what was asked when it was there before
  bool isolated = false;             // its containers do not reach one another; one that was there before may let them
  std::string bridge;                // the interface of the engine's host by which it is reached; empty: there is none
};

struct EngineOps {
  // Talks to the engine, agrees on an API version and reports both sides'. Other calls do so by themselves when it has not happened.
  EngineError (*version)(void* self, EngineVersion* out);
  // Makes the session network when it is not there. Two daemons or threads at once: both succeed.
  EngineError (*ensure_network)(void* self, const NetworkSpec& spec, EngineNetwork* out);
  // Creates a container; *id is set on success. Fault Unknown: it may exist all the same, look by name and job label.
  EngineError (*create)(void* self, const LaunchSpec& spec, std::string* id);
  // Starts it; one already running is a success.
  EngineError (*start)(void* self, const std::string& id);
  EngineError (*inspect)(void* self, const std::string& id_or_name, ContainerInfo* out);
  // Every container, in any state, whose name begins with `vnc_` or that carries our instance label. What only an inspect knows is absent.
  EngineError (*list)(void* self, std::vector<ContainerInfo>* out);
  // Forced, with its volumes. Gone already is a success; a removal already under way is waited for (bounded by the call's time limit).
  EngineError (*remove)(void* self, const std::string& id);
  EngineError (*rename)(void* self, const std::string& id, const std::string& name);
  // *id: what its name stands for. Fault ImageMissing: it is not there, and a launch would have to pull it.
  EngineError (*look_for_image)(void* self, const std::string& image, std::string* id);
  // Pulls the image; `progress` is called from this thread now and then with one line for people.
  EngineError (*pull)(void* self, const std::string& image, const std::function<void(const std::string&)>& progress);
  // Streams container events (and network disconnects) until the stream ends or *stop is set.
  // `opened` is called once the engine has answered 200: events from then on are not missed.
  EngineError (*watch)(void* self, const StopSign* stop, const std::function<void()>& opened,
                       const std::function<void(const EngineEvent&)>& event);
  void (*destroy)(void* self);
};

struct Engine {
  const EngineOps* ops = nullptr;
  void* self = nullptr;
};
struct EngineDeleter {
  void operator()(Engine* engine) const {
    engine->ops->destroy(engine->self);
    delete engine;
  }
};
using EnginePtr = std::unique_ptr<Engine, EngineDeleter>;

struct DockerOptions {
  std::string host;  // unix:///path or tcp://host:port
  std::string tls_folder = {};  // of ca.pem, cert.pem and key.pem, for tcp:// alone; empty: no TLS
  std::string network;
  std::string instance;
  int container_port = 6080;
  long call_timeout_ms = 30000;     // one call, whole; pulls and the event stream excepted
  long connect_timeout_ms = 3000;
};
// Nothing is sent yet. nullptr with *error when `host` is of a kind we do not speak, or a file in tls_folder cannot be read.
EnginePtr docker_create(const DockerOptions& options, std::string* error);

// Whether a server answers HTTP or HTTPS (any status, certificate not judged) on host:port: how an image without a health check shows
// that it is ready, since docker-proxy takes a bare connection even when nothing listens inside. Blocks up to timeout_ms.
bool probe_http(const std::string& host, int port, long timeout_ms);

#endif
