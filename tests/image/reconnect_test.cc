// The connection between a person's browser and her session is lost in every way that networks know, and comes back by itself.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "image/stage.h"

namespace {

struct Visit {
  Stage* stage = nullptr;
  Box box;
  Browser* tab = nullptr;
};

// A tab that looks at a session through our stretch of network. It is marked, so that a page loaded anew would be noticed.
Visit visit(void** state, const char* scheme) {
  Visit visit;
  visit.stage = stage_of(state);
  page_server_set(visit.stage->pages.get(), "/", page_of_color(kBlue));
  visit.box = box_on_page(visit.stage, "visited", "/");
  box_wait_healthy(visit.box);
  visit.stage->relay = relay_start(visit.box.port);
  check_at(visit.stage->relay != nullptr, "no relay");
  visit.stage->browser = browser_open(800, 700);
  visit.tab = visit.stage->browser.get();
  browser_go(visit.tab,
             std::string(scheme) + "://127.0.0.1:" + std::to_string(relay_port(visit.stage->relay.get())) + "/");
  browser_wait_color(visit.tab, kBlue, 0.3, "reconnect-before");
  browser_script(visit.tab, "window.marked = 'yes'");
  return visit;
}

void check_back(const Visit& visit, const std::string& name, const At& at = At::current()) {
  bool back = wait_until(40, [&] { return browser_state(visit.tab) == "connected"; });
  check_at(back, "not connected again: " + browser_notice(visit.tab), at);
  browser_wait_color(visit.tab, kBlue, 0.3, name, at);
  check_equal(browser_script(visit.tab, "return window.marked || 'no'"), "yes", "the same page as before", at);
}

void check_loss_noticed(const Visit& visit, double seconds, const At& at = At::current()) {
  std::string state;
  bool noticed = wait_until(seconds, [&] { return (state = browser_state(visit.tab)) != "connected"; });
  check_at(noticed, "the loss is not noticed", at);
  check_equal(state, "connecting", "the state after the loss", at);
  std::string notice = browser_notice(visit.tab);
  if (notice.empty()) return;  // back already
  check_at(notice.find("Reconectando…") != std::string::npos && notice.find("Reconnecting…") != std::string::npos,
           "the notice says: " + notice, at);
}

void the_web_server_is_killed(void** state) {
  Visit v = visit(state, "https");
  for (int round = 0; round < 2; round++) {
    browser_script(
        v.tab,
        "window.seen = []; new MutationObserver(() => window.seen.push(document.documentElement.dataset.state))"
        ".observe(document.documentElement, { attributes: true })");
    box_replace(v.box, "session-web");
    check_at(wait_until(20, [&] { return browser_script(v.tab, "return window.seen.join()").find("connecting") == 0; }),
             "the loss is not noticed");
    check_back(v, "reconnect-killed");
  }
}

void a_proxy_cuts_the_connection(void** state) {
  Visit v = visit(state, "https");
  for (int round = 0; round < 3; round++) {
    browser_script(
        v.tab,
        "window.seen = []; new MutationObserver(() => window.seen.push(document.documentElement.dataset.state))"
        ".observe(document.documentElement, { attributes: true })");
    relay_cut(v.stage->relay.get());
    check_at(wait_until(20, [&] { return browser_script(v.tab, "return window.seen.join()").find("connecting") == 0; }),
             "the loss is not noticed");
    check_back(v, "reconnect-cut");
  }
}

// Nothing arrives, nothing is closed: a laptop that slept, a router that forgot. Longer than a person would wait, then it flows again.
void the_network_falls_silent(void** state) {
  Visit v = visit(state, "https");
  relay_freeze(v.stage->relay.get(), true);
  check_loss_noticed(v, 60);
  keep("reconnect-silent", browser_screenshot(v.tab));
  check_at(wait_until(60, [&] { return browser_state(v.tab) == "waiting"; }), "it does not offer more than to wait");
  keep("reconnect-silent-long", browser_screenshot(v.tab));
  relay_freeze(v.stage->relay.get(), false);
  check_back(v, "reconnect-after-silence");
}

// ---- signs of life -----------------------------------------------------------------------------------------------------

// A WebSocket client of its own, to see what a browser hides. A failed test leaves the socket to the end of the process.
struct RawSocket {
  int fd = -1;
  std::string bytes;  // not looked at yet
};

struct Frame {
  unsigned opcode = 0;
  std::string payload;
};

// Takes one whole frame out of `bytes`: RFC 6455, 5.2; a server's frames are not masked.
bool frame_take(RawSocket* raw, Frame* out) {
  auto byte = [&](size_t at) { return static_cast<unsigned char>(raw->bytes[at]); };
  if (raw->bytes.size() < 2) return false;
  size_t length = byte(1) & 0x7f;
  size_t head = 2;
  size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (raw->bytes.size() < head + more) return false;
  if (more > 0) length = 0;
  for (; more > 0; more--) length = length << 8 | byte(head++);
  if (raw->bytes.size() < head + length) return false;
  *out = {byte(0) & 0x0fU, raw->bytes.substr(head, length)};
  raw->bytes.erase(0, head + length);
  return true;
}

// False when nothing came within that time, or the other side has closed.
bool frame_next(RawSocket* raw, double seconds, Frame* out) {
  double end = now_seconds() + seconds;
  while (!frame_take(raw, out)) {
    pollfd one = {raw->fd, POLLIN, 0};
    int left_ms = static_cast<int>((end - now_seconds()) * 1000);
    if (left_ms <= 0 || poll(&one, 1, left_ms) <= 0) return false;
    std::array<char, 65536> buffer;
    ssize_t got = recv(raw->fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    raw->bytes.append(buffer.data(), static_cast<size_t>(got));
  }
  return true;
}

void send_all(int fd, const std::string& bytes) {
  check_at(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()), "cannot send");
}

// A binary frame, masked with zeros, as a client's must be.
void frame_send(RawSocket* raw, const std::string& payload) {
  send_all(raw->fd, std::string("\x82") + static_cast<char>(0x80 | payload.size()) + std::string(4, '\0') + payload);
}

// Goes through VNC's handshake (RFC 6143, 7.1) and asks for nothing more.
RawSocket raw_viewer(const Box& box) {
  std::string page = box_get(box, "http", "/").body;
  const std::string before = "name=\"session\" content=\"";
  size_t at = page.find(before);
  check_at(at != std::string::npos, "no nonce in the page");
  std::string nonce = page.substr(at + before.size(), 64);
  RawSocket raw;
  raw.fd = tcp_connect(box.port);
  check_at(raw.fd >= 0, "cannot connect");
  send_all(raw.fd,
           "GET /websockify HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
           "Sec-WebSocket-Protocol: session." +
               nonce + "\r\n\r\n");
  std::array<char, 1> one;
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos && recv(raw.fd, one.data(), 1, 0) == 1) head += one[0];
  check_at(head.rfind("HTTP/1.1 101 ", 0) == 0, "no WebSocket: " + head);
  Frame frame;
  check_at(frame_next(&raw, 10, &frame) && frame.payload == "RFB 003.008\n", "no version: " + frame.payload);
  frame_send(&raw, "RFB 003.008\n");
  check_at(frame_next(&raw, 10, &frame), "no list of securities");
  frame_send(&raw, "\x01");
  check_at(frame_next(&raw, 10, &frame), "no outcome of security");
  frame_send(&raw, "\x01");
  check_at(frame_next(&raw, 10, &frame) && frame.payload.size() > 20, "no description of the screen");
  return raw;
}

// Cut, and then no way through for longer than all patience. Beside it, in the same minute: firewalls see a ping, a page sees an
// empty message, both about every 20 s. A tab on a still page takes that for what it is and keeps its connection.
void a_minute_away_and_a_minute_idle(void** state) {
  Visit v = visit(state, "http");
  v.stage->second_browser = browser_open(800, 700);
  Browser* idle = v.stage->second_browser.get();
  browser_go(idle, box_url(v.box, "http", "/"));
  browser_wait_color(idle, kBlue, 0.3, "reconnect-idle");
  browser_script(idle,
                 "window.seen = []; new MutationObserver(() => window.seen.push(document.documentElement.dataset.state))"
                 ".observe(document.documentElement, { attributes: true })");
  relay_freeze(v.stage->relay.get(), true);
  relay_cut(v.stage->relay.get());
  check_loss_noticed(v, 20);

  RawSocket raw = raw_viewer(v.box);
  const unsigned kBinary = 2;
  const unsigned kPing = 9;
  double last = now_seconds();
  for (int round = 0; round < 3; round++) {
    Frame frame;
    check_at(frame_next(&raw, 30, &frame), "silent for 30 s");
    assert_int_equal(frame.opcode, kPing);
    double now = now_seconds();
    check_at(now - last > 15 && now - last < 26, "a ping after " + std::to_string(now - last) + " s");
    last = now;
    check_at(frame_next(&raw, 5, &frame) && frame.opcode == kBinary && frame.payload.empty(),
             "no empty message after it");
    check_at(browser_state(v.tab) != "connected", "connected through nothing");
  }
  // It has answered none of the three.
  Frame bye;
  const unsigned kClose = 8;
  check_at(frame_next(&raw, 30, &bye) && bye.opcode == kClose, "who answers no ping is kept");
  tcp_close(raw.fd);
  check_equal(browser_state(idle), "connected", "the tab beside it");
  check_equal(browser_script(idle, "return window.seen.join()"), "", "what the tab beside it has gone through");
  check_equal(browser_state(v.tab), "waiting", "the state after a minute");
  relay_freeze(v.stage->relay.get(), false);
  check_back(v, "reconnect-after-a-minute");
}

}  // namespace

int main() {
  return stage_main("reconnect", {
                                     IMAGE_TEST(the_web_server_is_killed),
                                     IMAGE_TEST(a_proxy_cuts_the_connection),
                                     IMAGE_TEST(the_network_falls_silent),
                                     IMAGE_TEST(a_minute_away_and_a_minute_idle),
                                 });
}
