// A session for itself: the browser asks nobody of its own accord, and what was in one session is in no other.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "image/seat.h"
#include "support/proc.h"

namespace {

// The session's name server: it hears what is asked for and answers nothing.
int deaf_name_server(const std::string& address) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  check_at(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0, "port 53 of " + address + " is not free");
  return fd;
}

// The names asked for since the last look, as they stand in the questions (RFC 1035: a length before each part).
std::string names_heard(int fd) {
  std::string out;
  char packet[512];
  for (ssize_t size; (size = recv(fd, packet, sizeof packet, 0)) > 12;) {
    for (ssize_t at = 12; at < size && packet[at] != 0; at += packet[at] + 1) {
      out.append(packet + at + 1, static_cast<size_t>(std::min<ssize_t>(packet[at], size - at - 1))) += '.';
    }
    out += ' ';
  }
  return out;
}

void the_browser_asks_nobody_of_its_own_accord(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  page_server_set(pages, "/", telling_page("start", "#1e90ff", "<a href='http://asked.example/'>asked</a>"));
  int names = deaf_name_server(stage->fixture->gateway);
  Seat seat = seat_open(
      stage, "quiet", {"--dns", stage->fixture->gateway, "-e", "APPNAME=firefox-kiosk " + page_server_url(pages, "/")});
  sleep(20);  // the first of what a Firefox wants by itself comes some ten seconds after its start
  check_equal(names_heard(names), "", "names that the browser has asked for by itself");
  // So it would have been heard.
  click_seen(seat, 200, 45);
  std::string heard;
  wait_until(10, [&] { return !(heard += names_heard(names)).empty(); });
  check_at(heard.find("asked.example.") != std::string::npos, "a link's host is not asked for: " + heard);
  check_at(heard.find("mozilla") == std::string::npos, "names: " + heard);
  close(names);
}

void what_was_in_a_session_is_in_no_other(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  Page page = telling_page("start", "#1e90ff",
                           "<a href='/record.bin'>record</a>"
                           "<script>tell('/found',(localStorage.getItem('who')||'nobody')+history.length);"
                           "localStorage.setItem('who','Ana')</script>");
  page.set_cookie = "who=Ana; Max-Age=86400; Path=/";
  Page record;
  record.type = "application/octet-stream";
  record.body = "the record of Ana";
  page_server_set(pages, "/", page);
  page_server_set(pages, "/record.bin", record);
  const std::vector<std::string> options = {"-e", "APPNAME=firefox-kiosk " + page_server_url(pages, "/")};
  std::string volumes = proc_output({"docker", "volume", "ls", "-q"});
  for (const char* name : {"ana", "bruno"}) {
    size_t loads = posts(Seat{stage, Box(), nullptr, ""}, "/load");
    Seat seat = seat_open(stage, name, options);
    check_at(wait_until(10, [&] { return posts(seat, "/load") > loads; }), "the page is not there");
    check_equal(last_post(seat, "/found"), "nobody1", std::string("what the page finds in the session of ") + name);
    check_equal(page_server_requests(pages, "/").back().cookie, "", "the cookie of the first visit");
    check_equal(inside(seat, "ls -A /home/session/Downloads 2>/dev/null || true"), "", "files");
    check_equal(inside(seat, "grep -rl 'the record of Ana' /home/session /tmp /run 2>/dev/null || true"), "", "files about Ana");
    // Her clipboard, pasted by whoever comes.
    click_seen(seat, 200, 15);
    size_t keys = posts(seat, "/key");
    rfb_press(seat.rfb.get(), "Ctrl+v");
    check_at(wait_until(10, [&] { return posts(seat, "/key") >= keys + 2; }), "the page does not get its keys");
    rfb_type(seat.rfb.get(), "z");
    std::string typed;
    wait_until(10, [&] { return (typed = last_post(seat, "/typed")).ends_with("z"); });
    check_equal(typed, "z", "pasted before anything was copied");
    // Hers now: a download, and copied text.
    click_seen(seat, 200, 45);
    bool is_there = wait_until(10, [&] { return inside(seat, "ls /home/session/Downloads || true") == "record.bin"; });
    check_at(is_there, "the download is not there");
    click_seen(seat, 200, 15);
    for (const char* each : {"Ctrl+a", "Ctrl+c"}) rfb_press(seat.rfb.get(), each);
    seat.rfb.reset();
    box_remove(seat.box);
  }
  check_equal(proc_output({"docker", "volume", "ls", "-q"}), volumes, "volumes of the engine");
}

}  // namespace

int main() {
  return stage_main("alone", {
                                 IMAGE_TEST(the_browser_asks_nobody_of_its_own_accord),
                                 IMAGE_TEST(what_was_in_a_session_is_in_no_other),
                             });
}
