// Every way out of the page that kiosks are known for, tried with real keys and clicks, seen by the page, the X server and the screen.
#include <unistd.h>

#include <algorithm>

#include "image/stage.h"
#include "support/proc.h"
#include "support/rfb.h"
#include "support/x_windows.h"

namespace {

// A session with its page in front, and what a test needs to press, click and look.
struct Seat {
  Stage* stage;
  Box box;
  RfbPtr rfb;
  std::string x_socket;
};

Seat seat_open(Stage* stage, const std::string& name, const std::vector<std::string>& options) {
  Seat seat{stage, box_start(stage, name, options), nullptr, ""};
  box_wait_healthy(seat.box);
  seat.x_socket =
      "/proc/" + proc_output({"docker", "inspect", "-f", "{{.State.Pid}}", seat.box.name}) + "/root/tmp/.X11-unix/X0";
  seat.rfb = rfb_connect(seat.box.address, 5900);
  check_at(seat.rfb != nullptr, "no VNC on port 5900 of " + seat.box.name);
  return seat;
}

std::vector<XWindow> seat_windows(const Seat& seat, const At& at = At::current()) {
  std::vector<XWindow> windows;
  check_at(x_windows(seat.x_socket, &windows), "the X server of " + seat.box.name + " does not answer", at);
  return windows;
}

std::string titles_of(const std::vector<XWindow>& windows) {
  std::string out;
  for (const XWindow& window : windows) out += (out.empty() ? "" : " | ") + window.title;
  return out;
}

void check_one_window(const Seat& seat, const std::string& title, const std::string& after,
                      const At& at = At::current()) {
  std::vector<XWindow> windows = seat_windows(seat, at);
  check_at(windows.size() == 1 && windows[0].title.rfind(title, 0) == 0,
           "windows after " + after + ": " + titles_of(windows), at);
}

double screen_share(const Seat& seat, unsigned rgb) {
  Picture picture;
  return rfb_frame(seat.rfb.get(), &picture) ? picture_share(picture, rgb) : 0;
}

void keep_screen(const Seat& seat, const std::string& name) {
  Picture picture;
  if (rfb_frame(seat.rfb.get(), &picture)) keep(name, picture);
}

std::string inside(const Seat& seat, const std::string& script) {
  return proc_output({"docker", "exec", "-u", "0", seat.box.name, "sh", "-c", script});
}

size_t posts(const Seat& seat, const std::string& path) {
  return page_server_requests(seat.stage->pages.get(), path).size();
}

std::string last_post(const Seat& seat, const std::string& path) {
  std::vector<PageRequest> all = page_server_requests(seat.stage->pages.get(), path);
  return all.empty() ? "" : all.back().body;
}

// A page that says which of its loads it is, which keys come to it and what is typed into it: /load, /key, /typed.
Page telling_page(const std::string& title, const std::string& rgb, const std::string& more) {
  Page page;
  page.body =
      "<!doctype html><meta charset=utf-8><title>" + title + "</title><style>html{background:" + rgb +
      "}body{margin:0}a,button,input{display:block;box-sizing:border-box;width:100%;height:30px;margin:0;font-size:"
      "16px;"
      "border:0;background:#fff}</style><input id=i autofocus autocomplete=off>"
      "<script>let told=Promise.resolve();const tell=(path,body)=>told=told.then(()=>fetch(path,{method:'POST',body}))"
      ".catch(()=>{});tell('/load','" +
      title +
      "');onkeydown=e=>tell('/key',(e.ctrlKey?'Ctrl ':'')+(e.altKey?'Alt ':'')+(e.metaKey?'Meta "
      "':'')+e.key);onclick=e=>tell('/click',e.target.textContent);i.oninput=()=>tell('/typed',i.value);"
      "</script>" +
      more;
  return page;
}

// The key comes to the page, so the page is in front and nothing has taken its keys.
void press_seen(const Seat& seat, const std::string& keys, const std::string& after, const At& at = At::current()) {
  size_t before = posts(seat, "/key");
  check_at(rfb_press(seat.rfb.get(), keys), "VNC ended", at);
  size_t count = 1 + static_cast<size_t>(std::count(keys.begin(), keys.end(), '+'));
  bool seen = wait_until(10, [&] { return posts(seat, "/key") >= before + count; });
  if (!seen) keep_screen(seat, "shut-lost-keys");
  check_at(seen, keys + " does not come to the page after " + after + "; windows: " + titles_of(seat_windows(seat)),
           at);
}

// Keys may overtake a click on its way through the browser, so it is waited for.
void click_seen(const Seat& seat, int x, int y, const At& at = At::current()) {
  size_t before = posts(seat, "/click");
  check_at(rfb_click(seat.rfb.get(), x, y), "VNC ended", at);
  bool seen = wait_until(10, [&] { return posts(seat, "/click") > before; });
  check_at(seen, "a click does not come to the page; windows: " + titles_of(seat_windows(seat)), at);
}

// ---- keys ----------------------------------------------------------------------------------------------------------------

void no_key_leads_out_of_the_page(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", telling_page("start", "#1e90ff", ""));
  Seat seat = seat_open(stage, "keys", {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/")});
  click_seen(seat, 200, 15);
  std::string before = "the start";
  const char* chords[] = {
      // Files, windows, tabs, the address, the search, printing.
      "Ctrl+s", "Ctrl+Shift+S", "Ctrl+o", "Ctrl+n", "Ctrl+Shift+N", "Ctrl+Shift+P", "Ctrl+t", "Ctrl+Shift+T", "Ctrl+q",
      "Ctrl+Shift+Q", "Ctrl+Shift+W", "Ctrl+l", "Alt+d", "Ctrl+k", "Ctrl+e", "Ctrl+j", "Ctrl+p", "F6", "Shift+F6",
      // Menus and what shows other parts of the browser.
      "F10", "Shift+F10", "Menu", "Alt", "Alt+f", "F1", "F7", "F11", "Ctrl+h", "Ctrl+Shift+H", "Ctrl+b", "Ctrl+Shift+B",
      "Ctrl+Shift+O", "Ctrl+d", "Ctrl+Shift+D", "Ctrl+i", "Ctrl+Shift+Y", "Ctrl+Shift+A", "Ctrl+Shift+Delete",
      "Shift+Esc", "Ctrl+Tab", "Ctrl+Shift+Tab", "Alt+Return", "Ctrl+Return", "Ctrl+Alt+r", "Ctrl+Alt+x", "Ctrl+Alt+z",
      "Ctrl+m",
      // What is for developers.
      "Ctrl+u", "Ctrl+Shift+I", "Ctrl+Shift+J", "Ctrl+Shift+K", "Ctrl+Shift+C", "Ctrl+Shift+E", "Ctrl+Shift+M",
      "Ctrl+Shift+Alt+I", "F12", "Shift+F2", "Shift+F4", "Shift+F5", "Shift+F7", "Shift+F8", "Shift+F9", "Shift+F12",
      "Ctrl+Alt+Shift+i",
      // The desktop's.
      "Alt+F1", "Alt+F2", "Alt+F4", "Alt+F10", "Alt+Space", "Alt+Tab", "Alt+Esc", "Super", "Super+d", "Super+e",
      "Super+r", "Super+F1", "Ctrl+Esc", "Ctrl+Alt+t", "Ctrl+Alt+Delete", "Ctrl+Alt+Backspace", "Ctrl+Alt+F1",
      "Ctrl+Alt+Left", "Browser", "Mail", "Search", "Favorites", "Explorer", "Calculator", "Open", "Save"};
  for (const char* chord : chords) {
    // The browser keeps those that lead from tab to tab; the next key tells that there is but one.
    bool is_kept = std::string(chord).find("Tab") != std::string::npos;
    if (is_kept) rfb_press(seat.rfb.get(), chord);
    press_seen(seat, is_kept ? "Esc" : chord, before);
    check_one_window(seat, "start", chord);
    before = chord;
  }
  // Whatever was still on its way has come by now; addresses are typed into the page, and nowhere else.
  sleep(1);
  press_seen(seat, "Esc", "all keys");
  click_seen(seat, 200, 15);
  rfb_press(seat.rfb.get(), "Ctrl+a");
  const std::string text = "about:config view-source:x file:///etc/passwd";
  rfb_type(seat.rfb.get(), text + "\n");
  bool typed = wait_until(15, [&] { return last_post(seat, "/typed") == text; });
  keep_screen(seat, "shut-keys");
  check_at(typed, "what is typed does not come to the page: \"" + last_post(seat, "/typed") +
                      "\", its last key: " + last_post(seat, "/key"));
  check_one_window(seat, "start", "all keys");
  assert_int_equal(posts(seat, "/load"), 1);
  check_at(screen_share(seat, kBlue) > 0.9, "something covers the page");
  check_equal(inside(seat, "ls -A /home/session/Downloads"), "", "files after the keys");
}

}  // namespace

int main() {
  return stage_main("shut", {
                                IMAGE_TEST(no_key_leads_out_of_the_page),
                            });
}
