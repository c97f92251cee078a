// The tests' page server: libevent's HTTP server on a thread of its own; other threads only touch the locked tables.
#include "support/page_server.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "support/suite.h"

namespace {

struct BaseDeleter {
  void operator()(event_base* base) const { event_base_free(base); }
};
struct HttpDeleter {
  void operator()(evhttp* http) const { evhttp_free(http); }
};
struct EventDeleter {
  void operator()(event* e) const { event_free(e); }
};
using EventPtr = std::unique_ptr<event, EventDeleter>;

// One answer on its way. Owned by its connection's request: gone when the browser hangs up.
struct Answer {
  PageServer* server;
  evhttp_request* request;
  std::string path;
  size_t number;  // in the list of requests of that path
  Page page;
  bool started = false;
  EventPtr timer;
};

std::string header(evhttp_request* request, const char* name) {
  const char* value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
  return value == nullptr ? "" : value;
}

std::map<std::string, std::string> headers_of(evhttp_request* request) {
  std::map<std::string, std::string> out;
  const evkeyvalq* all = evhttp_request_get_input_headers(request);
  for (const evkeyval* one = all->tqh_first; one != nullptr; one = one->next.tqe_next) {
    std::string name = one->key;
    for (char& c : name) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
    out[name] = one->value;
  }
  return out;
}

std::string base64(const std::string& text) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < text.size(); at += 3) {
    unsigned bits = 0;
    for (size_t i = 0; i < 3; i++) bits = bits << 8 | (at + i < text.size() ? static_cast<uint8_t>(text[at + i]) : 0u);
    for (size_t i = 0; i < 4; i++) out += at + i <= text.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace

struct PageServer {
  std::string address;
  int port = 0;
  std::unique_ptr<event_base, BaseDeleter> base;
  std::unique_ptr<evhttp, HttpDeleter> http;
  std::set<Answer*> answers;  // the loop thread's own
  std::mutex lock;
  std::map<std::string, Page> pages;                         // by lock
  std::map<std::string, std::vector<PageRequest>> requests;  // by lock
  std::thread thread;
};

namespace {

void note_answered(Answer* answer) {
  std::lock_guard<std::mutex> guard(answer->server->lock);
  answer->server->requests[answer->path][answer->number].answered_at = now_seconds();
}

void answer_delete(Answer* answer) {
  answer->server->answers.erase(answer);
  delete answer;
}

// The browser left before its answer was whole.
void on_close(evhttp_connection*, void* context) { answer_delete(static_cast<Answer*>(context)); }

void send_text(evhttp_request* request, const std::string& text) {
  std::unique_ptr<evbuffer, void (*)(evbuffer*)> buffer(evbuffer_new(), evbuffer_free);
  evbuffer_add(buffer.get(), text.data(), text.size());
  evhttp_send_reply_chunk(request, buffer.get());
}

void timer_set(Answer* answer, int ms) {
  timeval wait = {ms / 1000, ms % 1000 * 1000};
  event_add(answer->timer.get(), &wait);
}

// Sends the first part, then, by the same timer, the late one.
void on_timer(evutil_socket_t, short, void* context) {
  Answer* answer = static_cast<Answer*>(context);
  if (!answer->started) {
    answer->started = true;
    evhttp_send_reply_start(answer->request, 200, "OK");
    send_text(answer->request, answer->page.body);
    if (!answer->page.late_body.empty()) {
      timer_set(answer, answer->page.late_ms);
      return;
    }
  } else {
    send_text(answer->request, answer->page.late_body);
  }
  note_answered(answer);
  evhttp_connection_set_closecb(evhttp_request_get_connection(answer->request), nullptr, nullptr);
  evhttp_send_reply_end(answer->request);
  answer_delete(answer);
}

void on_request(evhttp_request* request, void* context) {
  PageServer* server = static_cast<PageServer*>(context);
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(request);
  const char* query = evhttp_uri_get_query(uri);
  PageRequest seen;
  seen.path = evhttp_uri_get_path(uri);
  if (query != nullptr) {
    std::unique_ptr<char, decltype(&free)> decoded(evhttp_uridecode(query, 0, nullptr), free);
    seen.query = decoded ? decoded.get() : "";
  }
  seen.cookie = header(request, "Cookie");
  seen.headers = headers_of(request);
  bool post = evhttp_request_get_command(request) == EVHTTP_REQ_POST;
  seen.method = post ? "POST" : "GET";
  evbuffer* in = evhttp_request_get_input_buffer(request);
  seen.body.resize(evbuffer_get_length(in));
  evbuffer_copyout(in, seen.body.data(), seen.body.size());

  std::unique_ptr<Answer> answer(new Answer{server, request, seen.path, 0, Page(), false, nullptr});
  bool found = false;
  {
    std::lock_guard<std::mutex> guard(server->lock);
    auto page = server->pages.find(seen.path);
    found = page != server->pages.end();
    if (found) answer->page = page->second;
    if (!found || post) seen.answered_at = now_seconds();
    std::vector<PageRequest>& list = server->requests[seen.path];
    answer->number = list.size();
    list.push_back(seen);
  }
  if (post) return evhttp_send_reply(request, 204, "No Content", nullptr);
  if (!found) return evhttp_send_reply(request, 404, "Not Found", nullptr);
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  if (!answer->page.location.empty()) {
    evhttp_add_header(headers, "Location", answer->page.location.c_str());
    return evhttp_send_reply(request, 302, "Found", nullptr);
  }
  const std::string& password = answer->page.password_of;
  if (!password.empty() && seen.headers["authorization"] != "Basic " + base64(password)) {
    evhttp_add_header(headers, "WWW-Authenticate", "Basic realm=\"Sistema\"");
    return evhttp_send_reply(request, 401, "Unauthorized", nullptr);
  }
  evhttp_add_header(headers, "Content-Type", answer->page.type.c_str());
  evhttp_add_header(headers, "Cache-Control", "no-store");
  for (const auto& [name, value] : answer->page.headers) evhttp_add_header(headers, name.c_str(), value.c_str());
  if (!answer->page.set_cookie.empty()) evhttp_add_header(headers, "Set-Cookie", answer->page.set_cookie.c_str());
  answer->timer.reset(evtimer_new(server->base.get(), on_timer, answer.get()));
  evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_close, answer.get());
  if (answer->page.delay_ms >= 0) timer_set(answer.get(), answer->page.delay_ms);
  server->answers.insert(answer.release());
}

}  // namespace

PageServerPtr page_server_start(const std::string& address) {
  evthread_use_pthreads();  // the order to stop comes from another thread
  PageServerPtr server(new PageServer);
  server->address = address;
  server->base.reset(event_base_new());
  server->http.reset(evhttp_new(server->base.get()));
  evhttp_bound_socket* bound = evhttp_bind_socket_with_handle(server->http.get(), address.c_str(), 0);
  if (bound == nullptr) return nullptr;
  sockaddr_in at = {};
  socklen_t size = sizeof at;
  getsockname(evhttp_bound_socket_get_fd(bound), reinterpret_cast<sockaddr*>(&at), &size);
  server->port = ntohs(at.sin_port);
  evhttp_set_gencb(server->http.get(), on_request, server.get());
  server->thread = std::thread([base = server->base.get()] { event_base_dispatch(base); });
  return server;
}

std::string page_server_url(const PageServer* server, const std::string& path) {
  return "http://" + server->address + ":" + std::to_string(server->port) + path;
}

void page_server_set(PageServer* server, const std::string& path, const Page& page) {
  std::lock_guard<std::mutex> guard(server->lock);
  server->pages[path] = page;
}

std::vector<PageRequest> page_server_requests(PageServer* server, const std::string& path) {
  std::lock_guard<std::mutex> guard(server->lock);
  auto found = server->requests.find(path);
  return found == server->requests.end() ? std::vector<PageRequest>() : found->second;
}

Page page_with_input(const std::string& title, unsigned rgb, unsigned rgb_when_typed, const std::string& expected,
                     const std::string& report) {
  char before[8];
  char after[8];
  snprintf(before, sizeof before, "#%06x", rgb);
  snprintf(after, sizeof after, "#%06x", rgb_when_typed);
  Page page;
  page.body = "<!doctype html><meta charset=utf-8><title>" + title + "</title><style>html{background:" + before +
              "}body{margin:0}input{box-sizing:border-box;width:100%;height:60px;font-size:30px;border:0;outline:0;"
              "display:block}"
              "</style><input id=i autofocus autocomplete=off><script>"
              // One report after the other: on connections of their own they would overtake each other.
              "let told=Promise.resolve();i.oninput=()=>{const text=i.value;told=told.then(()=>fetch('" +
              report +
              "',{method:'POST',body:text})).catch(()=>{}).then(()=>{"
              "document.documentElement.style.background=text==='" +
              expected + "'?'" + after + "':'" + before + "'})};" + "fetch('" + report +
              "-size',{method:'POST',body:innerWidth+'x'+innerHeight});</script>";
  return page;
}

void PageServerDeleter::operator()(PageServer* server) const {
  if (server->thread.joinable()) {
    // A break before the loop has begun would be forgotten; an event is not.
    const timeval at_once = {0, 0};
    event_base_once(
        server->base.get(), -1, EV_TIMEOUT,
        [](evutil_socket_t, short, void* base) { event_base_loopbreak(static_cast<event_base*>(base)); },
        server->base.get(), &at_once);
    server->thread.join();
  }
  // Those still waited for would be told of the closing by evhttp_free.
  for (Answer* answer : std::set<Answer*>(server->answers)) {
    evhttp_connection_set_closecb(evhttp_request_get_connection(answer->request), nullptr, nullptr);
    delete answer;
  }
  server->http.reset();
  delete server;
}
