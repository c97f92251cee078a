// ALLOW_URLS: whoever wants what is not in the list, nobody is asked for it; the host that is not allowed is not even connected to.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "image/seat.h"
#include "support/proc.h"

namespace {

// A host that must be left alone: connections wait in its queue, where a look tells of them.
struct Forbidden {
  int fd = -1;
  std::string url;
};

Forbidden forbidden_open(const std::string& address) {
  Forbidden host;
  host.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  socklen_t size = sizeof at;
  check_at(bind(host.fd, reinterpret_cast<sockaddr*>(&at), size) == 0 && listen(host.fd, 16) == 0, "cannot listen");
  getsockname(host.fd, reinterpret_cast<sockaddr*>(&at), &size);
  host.url = "http://" + address + ":" + std::to_string(ntohs(at.sin_port));
  return host;
}

bool was_visited(const Forbidden& host) {
  pollfd look = {host.fd, POLLIN, 0};
  return poll(&look, 1, 0) > 0;
}

void nothing_outside_of_the_list_is_asked_for(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  Forbidden host = forbidden_open(stage->fixture->gateway);
  const std::string& out = host.url;
  Page jump;
  jump.location = out + "/redirected";
  page_server_set(pages, "/jump", jump);
  Page refresh;
  refresh.body = "<!doctype html><title>refresh</title><meta http-equiv=refresh content='0;url=" + out + "/refreshed'>";
  page_server_set(pages, "/refresh", refresh);
  Page picture;
  picture.type = "image/svg+xml";
  picture.body =
      "<svg xmlns='http://www.w3.org/2000/svg' width='200' height='200'><rect width='200' height='200' "
      "fill='#20c040'/></svg>";
  page_server_set(pages, "/own.svg", picture);
  // First what the page itself loads, then what a person clicks on, line by line.
  page_server_set(
      pages, "/",
      telling_page("start", "#1e90ff",
                   "<a href='" + out +
                       "/link'>link</a><a href='/jump'>jump</a><a href='/refresh'>refresh</a>"
                       "<a href='" +
                       out +
                       "/blank' target=_blank>blank</a>"
                       "<button onclick=\"open('" +
                       out +
                       "/open','','width=200,height=200')\">open</button>"
                       "<form method=post action='" +
                       out +
                       "/form'><button>form</button></form>"
                       "<form action='" +
                       out +
                       "/get'><button>get</button></form>"
                       "<link rel=preconnect href='" +
                       out + "'><link rel=dns-prefetch href='" + out +
                       "'>"
                       "<link rel=prefetch href='" +
                       out + "/prefetch'><link rel=preload as=image href='" + out +
                       "/preload'>"
                       "<link rel=stylesheet href='" +
                       out + "/style.css'><link rel=icon href='" + out +
                       "/icon.png'>"
                       "<img src='/own.svg' onload=\"tell('/own','')\"><img src='" +
                       out +
                       "/image.png'><img src='/jump'>"
                       "<iframe src='" +
                       out + "/frame'></iframe><iframe src='/jump'></iframe><object data='" + out +
                       "/object'></object>"
                       "<video src='" +
                       out + "/video'></video><script src='" + out +
                       "/script.js'></script>"
                       "<script>const all=[fetch('" +
                       out +
                       "/fetch',{mode:'no-cors'}),fetch('/jump',{mode:'no-cors'}),"
                       "fetch('" +
                       out + "/post',{method:'POST',body:'x',mode:'no-cors'})];navigator.sendBeacon('" + out +
                       "/beacon','x');"
                       "const socket=new WebSocket('" +
                       out +
                       "/socket'.replace('http','ws'));"
                       "all.push(new Promise((_,no)=>socket.onerror=no));new EventSource('" +
                       out +
                       "/events');"
                       "new Worker(URL.createObjectURL(new Blob([`fetch('" +
                       out +
                       "/worker',{mode:'no-cors'})`])));"
                       "document.fonts.add(new FontFace('x',\"url(" +
                       out +
                       "/font)\"));document.fonts.load('9px x').catch(()=>{});"
                       "Promise.allSettled(all).then(ends=>tell('/ends',ends.map(end=>end.status).join()));"
                       "tell('/calls',typeof RTCPeerConnection)</script>"));
  std::string own = page_server_url(pages, "/");
  Seat seat = seat_open(stage, "allow",
                        {"-e", "APPNAME=firefox-kiosk " + own, "-e",
                         "ALLOW_URLS=*.example.org, " + own + "* http://" + stage->fixture->gateway + ":9/x"});
  bool ended = wait_until(20, [&] { return posts(seat, "/ends") > 0 && posts(seat, "/own") > 0; });
  keep_screen(seat, "allow-start");
  check_at(ended, "the allowed page does not come to its end");
  check_equal(last_post(seat, "/ends"), "rejected,rejected,rejected,rejected", "what the page asked for");
  check_equal(last_post(seat, "/calls"), "undefined", "calls from browser to browser");
  check_at(!was_visited(host), "the page's parts are fetched from a host that is not allowed");

  const char* ways[] = {"link", "jump", "refresh", "blank", "open", "form", "get"};
  int y = 45;
  for (const char* way : ways) {
    size_t loads = posts(seat, "/load");
    click_seen(seat, 200, y);
    check_equal(last_post(seat, "/click"), way, "what was clicked on");
    // In its place, or in a window of its own, a page says that this is not allowed.
    bool said = wait_until(10, [&] { return has_window(seat, "Página bloqueada"); });
    keep_screen(seat, std::string("allow-") + way);
    check_at(said, std::string(way) + ": no word about it; windows: " + titles_of(seat_windows(seat)));
    check_at(!was_visited(host), std::string(way) + " leads to a host that is not allowed");
    bool apart = way == ways[3] || way == ways[4];
    rfb_press(seat.rfb.get(), apart ? "Ctrl+w" : "Alt+Home");
    bool back = wait_until(10, [&] { return apart ? !has_window(seat, "Página") : posts(seat, "/load") > loads; });
    check_at(back, std::string("the way back from ") + way + "; windows: " + titles_of(seat_windows(seat)));
    wait_one_window(seat, "start", way);
    wait_front(seat, kBlue, 0.2, way);
    y += 30;
  }
  check_at(!was_visited(host), "a host that is not allowed was visited");
  close(host.fd);
}

void a_pattern_allows_what_it_says_and_no_more(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  struct Asked {
    std::string address;
    bool is_allowed;
  };
  const std::string own = page_server_url(pages, ""), port = own.substr(own.rfind(':'));
  const std::vector<Asked> asked = {
      {own + "/app/form?id=1", true},
      {own + "/application", false},
      {own + "/look/a.css", true},
      {own + "/look/a.css?v=2", true},
      {own + "/look/a.css.exe", false},
      {own + "/admin?x.css", false},
      {own + "/admin#x.css", false},
      {"http://permitido.test" + port + "/a", true},
      {"http://sub.permitido.test" + port + "/b", true},
      {"http://naopermitido.test" + port + "/c", false},
      {"http://permitido.test.fora.test" + port + "/d", false},
  };
  std::string list, expected;
  for (const Asked& one : asked) {
    list += "'" + one.address + "',";
    expected += one.is_allowed ? "fulfilled," : "rejected,";
    page_server_set(pages, one.address.substr(one.address.find('/', 8)), page_of_color(kGreen));
  }
  page_server_set(pages, "/app/", telling_page("start", "#1e90ff",
                                               "<script>Promise.allSettled([" + list +
                                                   "].map(one=>fetch(one,{mode:'no-cors'})))"
                                                   ".then(ends=>tell('/app/ends',ends.map(end=>end.status+',').join('')))</script>"));
  std::vector<std::string> options = {
      "-e", "APPNAME=firefox-kiosk " + own + "/app/", "-e",
      "ALLOW_URLS=" + own + "/app/ " + own + "/*.css *.permitido.test http://" + stage->fixture->gateway + port + "/load"};
  for (const char* name : {"permitido.test", "sub.permitido.test", "naopermitido.test", "permitido.test.fora.test"})
    options.insert(options.end(), {"--add-host", std::string(name) + ":" + stage->fixture->gateway});
  Seat seat = seat_open(stage, "patterns", options);
  bool ended = wait_until(20, [&] { return posts(seat, "/app/ends") > 0; });
  check_at(ended, "the page does not tell what it got");
  check_equal(last_post(seat, "/app/ends"), expected, "what the page got of: " + list);
  check_at(page_server_requests(pages, "/admin").empty(), "the server was asked for /admin");
}

void a_pattern_that_is_none_ends_the_start(void** state) {
  Stage* stage = stage_of(state);
  Box box = box_start(stage, "nopattern", {"-e", "ALLOW_URLS=intranet.example, ftp://files.example"});
  check_equal(proc_output({"docker", "wait", box.name}), "1", "exit status");
  check_at(box_log(box).find("ALLOW_URLS: 'ftp://files.example' is no pattern") != std::string::npos,
           "no reason in the log: " + box_log(box));
}

}  // namespace

int main() {
  return stage_main("allow", {
                                 IMAGE_TEST(nothing_outside_of_the_list_is_asked_for),
                                 IMAGE_TEST(a_pattern_allows_what_it_says_and_no_more),
                                 IMAGE_TEST(a_pattern_that_is_none_ends_the_start),
                             });
}
