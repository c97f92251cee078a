// Sessions as those who sit before them see them: keys and clicks over VNC; windows, pixels and what the page tells.
#include "image/seat.h"

#include <algorithm>

#include "support/proc.h"

Seat seat_open(Stage* stage, const std::string& name, const std::vector<std::string>& options) {
  Box box = box_start(stage, name, options);
  box_wait_healthy(box);
  return seat_at(stage, box);
}

Seat seat_at(Stage* stage, const Box& box) {
  Seat seat{stage, box, rfb_connect(box.address, 5900), ""};
  seat.x_socket =
      "/proc/" + proc_output({"docker", "inspect", "-f", "{{.State.Pid}}", box.name}) + "/root/tmp/.X11-unix/X0";
  check_at(seat.rfb != nullptr, "no VNC on port 5900 of " + box.name);
  return seat;
}

std::vector<XWindow> seat_windows(const Seat& seat, const At& at) {
  std::vector<XWindow> windows;
  check_at(x_windows(seat.x_socket, &windows), "the X server of " + seat.box.name + " does not answer", at);
  return windows;
}

std::string titles_of(const std::vector<XWindow>& windows) {
  std::string out;
  for (const XWindow& window : windows) out += (out.empty() ? "" : " | ") + window.title;
  return out;
}

bool has_window(const Seat& seat, const std::string& title) {
  for (const XWindow& window : seat_windows(seat)) {
    if (window.title.rfind(title, 0) == 0) return true;
  }
  return false;
}

void check_one_window(const Seat& seat, const std::string& title, const std::string& after, const At& at) {
  std::vector<XWindow> windows = seat_windows(seat, at);
  check_at(windows.size() == 1 && windows[0].title.rfind(title, 0) == 0,
           "windows after " + after + ": " + titles_of(windows), at);
}

double screen_share(const Seat& seat, unsigned rgb) {
  Picture picture;
  return rfb_frame(seat.rfb.get(), &picture) ? picture_share(picture, rgb) : 0;
}

void wait_front(const Seat& seat, unsigned rgb, double share, const std::string& after, const At& at) {
  double seen = 0;
  bool there = wait_until(20, [&] { return (seen = screen_share(seat, rgb)) >= share; });
  if (!there) keep_screen(seat, "not-in-front");
  check_at(there, "the page is not on the screen after " + after + ", share of its colour: " + std::to_string(seen) +
                      "; windows: " + titles_of(seat_windows(seat)), at);
}

void wait_one_window(const Seat& seat, const std::string& title, const std::string& after, const At& at) {
  std::vector<XWindow> windows;
  bool alone = wait_until(30, [&] {
    windows = seat_windows(seat, at);
    return windows.size() == 1 && windows[0].title.rfind(title, 0) == 0;
  });
  check_at(alone, "windows after " + after + ": " + titles_of(windows), at);
}

void keep_screen(const Seat& seat, const std::string& name) {
  Picture picture;
  if (rfb_frame(seat.rfb.get(), &picture)) keep(name, picture);
}

std::string inside(const Seat& seat, const std::string& script, const char* user) {
  return proc_output({"docker", "exec", "-u", user, seat.box.name, "sh", "-c", script});
}

size_t posts(const Seat& seat, const std::string& path) {
  return page_server_requests(seat.stage->pages.get(), path).size();
}

std::string last_post(const Seat& seat, const std::string& path) {
  std::vector<PageRequest> all = page_server_requests(seat.stage->pages.get(), path);
  return all.empty() ? "" : all.back().body;
}

Page telling_page(const std::string& title, const std::string& rgb, const std::string& more) {
  Page page;
  page.body =
      "<!doctype html><meta charset=utf-8><title>" + title + "</title><style>html{background:" + rgb +
      "}body{margin:0}a,button,input{display:block;box-sizing:border-box;width:100%;height:30px;margin:0;font-size:"
      "16px;"
      "border:0;background:#fff}</style><input id=i autofocus autocomplete=off>"
      // Told once it is on the screen, where it can be clicked on.
      "<script>let told=Promise.resolve();const tell=(path,body)=>told=told.then(()=>"
      "fetch(path,{method:'POST',body,keepalive:true})).catch(()=>{});"
      "onload=()=>requestAnimationFrame(()=>requestAnimationFrame(()=>tell('/load',document.title)));"
      "onkeydown=e=>tell('/key',e.key);onclick=e=>tell('/click',e.target.textContent);"
      "i.oninput=()=>tell('/typed',i.value);"
      "</script>" +
      more;
  return page;
}

void press_seen(const Seat& seat, const std::string& keys, const std::string& after, const At& at) {
  size_t before = posts(seat, "/key");
  check_at(rfb_press(seat.rfb.get(), keys), "VNC ended", at);
  size_t count = 1 + static_cast<size_t>(std::count(keys.begin(), keys.end(), '+'));
  bool seen = wait_until(10, [&] { return posts(seat, "/key") >= before + count; });
  if (!seen) keep_screen(seat, "shut-lost-keys");
  check_at(seen, keys + " does not come to the page after " + after + "; windows: " + titles_of(seat_windows(seat)),
           at);
}

void click_seen(const Seat& seat, int x, int y, const At& at) {
  size_t before = posts(seat, "/click");
  check_at(rfb_click(seat.rfb.get(), x, y), "VNC ended", at);
  bool seen = wait_until(10, [&] { return posts(seat, "/click") > before; });
  if (!seen) keep_screen(seat, "lost-click");
  check_at(seen, "a click at y = " + std::to_string(y) + " does not come to the page; windows: " + titles_of(seat_windows(seat)), at);
}
