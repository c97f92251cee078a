// A stand-in for a container engine, for tests and figures that ask more of the daemon than this machine's engine could give: it speaks as much of
// the Engine API as the daemon does, over a unix socket, and runs nothing. No test of what an engine does may use it.
//   standin_engine SOCKET [HEALTHY_AFTER_MS [CALL_MS [PORT VIEWERS]]]
// A container becomes healthy so long after its start; each call that changes something takes so long. With PORT, each has a process that
// listens there, in a network of its own, and is watched by so many. GET /standin/history: all there ever was.
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "containers.h"
#include "processes.h"

namespace {

struct Standin {
  event_base* base = nullptr;
  evhttp* http = nullptr;
  Containers containers;
  Processes processes;
  std::set<evhttp_request*> streams;  // GET /events
  int healthy_after_ms = 0;
  int call_ms = 0;
};

timeval wait_of(int ms) { return {ms / 1000, ms % 1000 * 1000}; }

std::string dump(const Json& json) {
  char* text = json_dumps(json.get(), JSON_COMPACT);
  std::string out = text;
  free(text);
  return out;
}

// ---- answers

struct Late {
  evhttp_request* request;
  Reply reply;
};

void send_reply(evhttp_request* request, const Reply& reply) {
  evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
  if (reply.body) evbuffer_add_printf(evhttp_request_get_output_buffer(request), "%s\n", dump(reply.body).c_str());
  evhttp_send_reply(request, reply.status, nullptr, nullptr);
}

void send_late(evutil_socket_t, short, void* arg) {
  const std::unique_ptr<Late> late(static_cast<Late*>(arg));
  send_reply(late->request, late->reply);
}

void answer(Standin& standin, evhttp_request* request, Reply reply, bool takes_time) {
  if (!takes_time || standin.call_ms == 0) {
    send_reply(request, reply);
    return;
  }
  const timeval wait = wait_of(standin.call_ms);
  event_base_once(standin.base, -1, EV_TIMEOUT, send_late, new Late{request, std::move(reply)}, &wait);
}

// ---- events

void tell(Standin& standin, const char* action, const Container& container) {
  Json attributes(json_deep_copy(json_object_get(container.config.get(), "Labels")));
  if (!attributes) attributes.reset(json_object());
  json_object_set_new(attributes.get(), "name", json_string(container.names.back().c_str()));
  json_object_set(attributes.get(), "image", json_object_get(container.config.get(), "Image"));
  if (strcmp(action, "die") == 0)
    json_object_set_new(attributes.get(), "exitCode", json_string(std::to_string(container.exit_code).c_str()));
  const Json event(json_pack("{s:s, s:s, s:{s:s, s:o}}", "Type", "container", "Action", action, "Actor", "ID", container.id.c_str(),
                             "Attributes", attributes.release()));
  const std::string line = dump(event) + "\n";
  for (evhttp_request* stream : standin.streams) {
    evbuffer* bytes = evbuffer_new();
    evbuffer_add(bytes, line.data(), line.size());
    evhttp_send_reply_chunk(stream, bytes);
    evbuffer_free(bytes);
  }
}

struct Stream {
  Standin* standin;
  evhttp_request* request;
};

void on_stream_closed(evhttp_connection*, void* arg) {
  const std::unique_ptr<Stream> stream(static_cast<Stream*>(arg));
  stream->standin->streams.erase(stream->request);
}

void open_stream(Standin& standin, evhttp_request* request) {
  evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
  evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_stream_closed, new Stream{&standin, request});
  evhttp_send_reply_start(request, 200, "OK");
  standin.streams.insert(request);
}

struct Birth {
  Standin* standin;
  std::string id;
};

void on_healthy(evutil_socket_t, short, void* arg) {
  const std::unique_ptr<Birth> birth(static_cast<Birth*>(arg));
  Containers& all = birth->standin->containers;
  if (Container* container = containers_find(all, birth->id)) containers_set_health(all, *container, Health::Healthy);
}

// ---- calls

Json body_of(evhttp_request* request) {
  evbuffer* input = evhttp_request_get_input_buffer(request);
  const size_t size = evbuffer_get_length(input);
  return Json(json_loadb(reinterpret_cast<const char*>(evbuffer_pullup(input, -1)), size, 0, nullptr));
}

std::string parameter(evhttp_request* request, const char* name) {
  const char* query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
  evkeyvalq values;
  if (query == nullptr || evhttp_parse_query_str(query, &values) != 0) return "";
  const char* value = evhttp_find_header(&values, name);
  const std::string out = value == nullptr ? "" : value;
  evhttp_clear_headers(&values);
  return out;
}

// Of filters only {"label": ["name=value"]} is known.
bool passes(const Container& container, const json_t* filters) {
  size_t i = 0;
  json_t* wanted = nullptr;
  json_array_foreach(json_object_get(filters, "label"), i, wanted) {
    const std::string text = json_string_value(wanted);
    const size_t equals = text.find('=');
    const char* value =
        json_string_value(json_object_get(json_object_get(container.config.get(), "Labels"), text.substr(0, equals).c_str()));
    if (value == nullptr || text.substr(equals + 1) != value) return false;
  }
  return true;
}

Reply list(Standin& standin, evhttp_request* request) {
  const std::string text = parameter(request, "filters");
  const Json filters(json_loads(text.c_str(), 0, nullptr));
  Reply reply{200, Json(json_array())};
  for (const auto& [id, container] : standin.containers.by_id)
    if (passes(*container, filters.get())) json_array_append_new(reply.body.get(), container_listed(*container).release());
  return reply;
}

Reply make_network(Standin& standin, const json_t* body) {
  const std::string name = json_string_value(json_object_get(body, "Name"));
  const json_t* first = json_array_get(json_object_get(json_object_get(body, "IPAM"), "Config"), 0);
  if (!standin.containers.networks.emplace(name, json_string_value(json_object_get(first, "Subnet"))).second)
    return reply_error(409, "network with name " + name + " already exists");
  return Reply{201, Json(json_pack("{s:s, s:s}", "Id", name.c_str(), "Warning", ""))};
}

Reply show_network(Standin& standin, const std::string& name) {
  auto found = standin.containers.networks.find(name);
  if (found == standin.containers.networks.end()) return reply_error(404, "network " + name + " not found");
  return Reply{200, Json(json_pack("{s:s, s:{s:[{s:s}]}}", "Name", name.c_str(), "IPAM", "Config", "Subnet", found->second.c_str()))};
}

void start(Standin& standin, Container& container, Reply* reply) {
  *reply = containers_start(standin.containers, container);
  if (reply->status != 204) return;
  const timeval wait = wait_of(standin.healthy_after_ms);
  event_base_once(standin.base, -1, EV_TIMEOUT, on_healthy, new Birth{&standin, container.id}, &wait);
}

// /containers/ID and what comes after it.
Reply on_container(Standin& standin, evhttp_request* request, const std::string& rest) {
  const size_t slash = rest.find('/');
  const std::string id = rest.substr(0, slash), what = slash == std::string::npos ? "" : rest.substr(slash + 1);
  Container* container = containers_find(standin.containers, id);
  if (container == nullptr) return reply_error(404, "No such container: " + id);
  Reply reply = reply_error(404, "page not found");
  if (evhttp_request_get_command(request) == EVHTTP_REQ_DELETE) return containers_remove(standin.containers, *container);
  if (what == "json") return Reply{200, container_inspected(*container)};
  if (what == "start") start(standin, *container, &reply);
  if (what == "kill") return containers_end(standin.containers, *container, 137);
  if (what == "rename") return containers_rename(standin.containers, *container, parameter(request, "name"));
  return reply;
}

// "/v1.41/containers/json" -> "/containers/json"
std::string without_version(std::string path) {
  if (path.rfind("/v1.", 0) == 0) path.erase(0, path.find('/', 1));
  return path;
}

Reply call(Standin& standin, evhttp_request* request, const std::string& path) {
  static const std::string kContainers = "/containers/", kNetworks = "/networks/", kImages = "/images/";
  if (path == "/version")
    return Reply{200, Json(json_pack("{s:s, s:s, s:s}", "Version", "stand-in", "ApiVersion", "1.41", "MinAPIVersion", "1.12"))};
  if (path == "/standin/history") return Reply{200, containers_history(standin.containers)};
  if (path == "/containers/json") return list(standin, request);
  if (path == "/containers/create")
    return containers_create(standin.containers, parameter(request, "name"), body_of(request).get());
  if (path.rfind(kContainers, 0) == 0) return on_container(standin, request, path.substr(kContainers.size()));
  if (path == "/networks/create") return make_network(standin, body_of(request).get());
  if (path.rfind(kNetworks, 0) == 0) return show_network(standin, path.substr(kNetworks.size()));
  if (path.rfind(kImages, 0) == 0) return Reply{200, Json(json_pack("{s:s}", "status", "Image is up to date"))};
  return reply_error(404, "page not found");
}

void on_request(evhttp_request* request, void* arg) {
  Standin& standin = *static_cast<Standin*>(arg);
  const std::string path = without_version(evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request)));
  if (path == "/events") {
    open_stream(standin, request);
    return;
  }
  answer(standin, request, call(standin, request, path), evhttp_request_get_command(request) != EVHTTP_REQ_GET);
}

void follow(Standin& standin, const char* action, const Container& container) {
  if (standin.processes.port == 0) return;
  if (strcmp(action, "start") == 0) containers_set_pid(standin.containers, container.id, process_start(&standin.processes, container.id));
  if (strcmp(action, "die") == 0) process_end(&standin.processes, container.id);
}

void on_signal(evutil_socket_t, short, void* arg) { event_base_loopbreak(static_cast<event_base*>(arg)); }

int listen_at(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  unlink(path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1024) != 0) return -1;
  return fd;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    fprintf(stderr, "usage: standin_engine SOCKET [HEALTHY_AFTER_MS [CALL_MS [PORT VIEWERS]]]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  Standin standin;
  standin.healthy_after_ms = count > 2 ? atoi(words[2]) : 0;
  standin.call_ms = count > 3 ? atoi(words[3]) : 0;
  standin.containers.tell = [&](const char* action, const Container& container) {
    follow(standin, action, container);
    tell(standin, action, container);
  };
  if (count > 5 && !processes_open(&standin.processes, atoi(words[4]), atoi(words[5]))) {
    perror("no control group");
    return 1;
  }
  standin.base = event_base_new();
  standin.http = evhttp_new(standin.base);
  evhttp_set_allowed_methods(standin.http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
  evhttp_set_timeout(standin.http, 3600);
  evhttp_set_gencb(standin.http, on_request, &standin);
  const int fd = listen_at(words[1]);
  if (fd < 0 || evhttp_accept_socket(standin.http, fd) != 0) {
    perror(words[1]);
    return 1;
  }
  event* stop = evsignal_new(standin.base, SIGTERM, on_signal, standin.base);
  evsignal_add(stop, nullptr);
  const int status = event_base_dispatch(standin.base);
  processes_close(&standin.processes);
  return status;
}
