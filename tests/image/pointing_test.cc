// Mouse, wheel and fingers on the session's screen, how sharp that screen is, full screen, and the keyboard of a device that has none.
#include <cmath>
#include <cstdlib>

#include "image/stage.h"
#include "support/desk.h"

namespace {

constexpr int kWidth = 400, kHeight = 300;

// A red thing to drag, a green place to drop it, stripes one pixel wide, a field; what happens to them is posted to /seen.
const char* const kPage =
    "<!doctype html><meta charset=utf-8><style>html{background:#1e90ff;height:100%}body{margin:0}"
    "body>*{position:absolute;top:20px;left:20px;width:60px;height:60px}#a{background:#cc2200}"
    "#b{left:200px;background:#20c040}#c{top:120px;width:300px;background:repeating-linear-gradient(90deg,#000 0 "
    "1px,#fff 1px 2px)}"
    "#i{top:200px;width:200px;height:30px;border:0;padding:0}</style><div id=a draggable=true></div><div id=b></div>"
    "<div id=c></div><input id=i autocomplete=off><script>"
    "let told=Promise.resolve();const "
    "tell=(text)=>{told=told.then(()=>fetch('/seen',{method:'POST',body:text})).catch(()=>{})};"
    "const at=(e)=>' '+e.clientX+' '+e.clientY;"
    "onclick=(e)=>tell('click'+at(e));oncontextmenu=(e)=>{e.preventDefault();tell('menu'+at(e))};"
    "addEventListener('wheel',(e)=>tell(e.deltaY>0?'down':'up'));"
    "a.ondragstart=(e)=>e.dataTransfer.setData('text/plain','the red one');"
    "b.ondragover=(e)=>e.preventDefault();b.ondrop=(e)=>{e.preventDefault();tell('dropped "
    "'+e.dataTransfer.getData('text/plain'))};"
    "onmousemove=(e)=>{if(e.buttons===1)tell('moved')};i.oninput=()=>tell('text '+i.value)</script>";

Box show_page(Stage* stage) {
  Page page;
  page.body = kPage;
  page_server_set(stage->pages.get(), "/", page);
  return box_start(stage, "pointing",
                   {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/"), "-e",
                    "WIDTH=" + std::to_string(kWidth), "-e", "HEIGHT=" + std::to_string(kHeight)});
}

size_t seen_so_far(Stage* stage) { return page_server_requests(stage->pages.get(), "/seen").size(); }

// Whether the page has told of this since.
bool was_seen(Stage* stage, size_t since, const std::string& what) {
  std::vector<PageRequest> all = page_server_requests(stage->pages.get(), "/seen");
  for (size_t i = since; i < all.size(); i++) {
    if (all[i].body == what) return true;
  }
  return false;
}

void wait_seen(Stage* stage, size_t since, const std::string& what, const std::string& after,
               const At& at = At::current()) {
  if (wait_until(15, [&] { return was_seen(stage, since, what); })) return;
  std::string told;
  std::vector<PageRequest> all = page_server_requests(stage->pages.get(), "/seen");
  for (size_t i = since; i < all.size(); i++) told += all[i].body + "; ";
  check_at(false, "after " + after + " the page has not seen '" + what + "' but: " + told, at);
}

// A click is told with its place; one pixel to either side is the rounding of a scaled picture.
void wait_place(Stage* stage, size_t since, const std::string& what, int x, int y, const std::string& after,
                const At& at = At::current()) {
  std::string last;
  bool there = wait_until(15, [&] {
    std::vector<PageRequest> all = page_server_requests(stage->pages.get(), "/seen");
    for (size_t i = since; i < all.size(); i++) {
      int seen_x = 0, seen_y = 0;
      last = all[i].body;
      if (sscanf(last.c_str(), (what + " %d %d").c_str(), &seen_x, &seen_y) == 2 && abs(seen_x - x) <= 1 &&
          abs(seen_y - y) <= 1)
        return true;
    }
    return false;
  });
  check_at(
      there,
      "after " + after + " no '" + what + "' at " + std::to_string(x) + " " + std::to_string(y) + "; last: " + last,
      at);
}

struct Place {
  int x = 0, y = 0;
};
Place place_of(const Picture& picture, unsigned rgb, const At& at = At::current()) {
  PictureBox box;
  check_at(picture_find(picture, rgb, 8, &box), "the colour is not to be seen", at);
  return {(box.left + box.right + 1) / 2, (box.top + box.bottom + 1) / 2};
}

void use_the_mouse(Stage* stage, const std::string& name) {
  Desk* desk = stage->desk.get();
  Picture picture;
  check_at(wait_until(60,
                      [&] {
                        picture = desk_picture(desk);
                        return picture_share(picture, kBlue) > 0.2 && picture_share(picture, kRed) > 0.01;
                      }),
           name + ": the session does not show at the desk");
  keep("pointing-" + name, picture);
  Place red = place_of(picture, kRed), green = place_of(picture, kGreen);
  size_t since = seen_so_far(stage);
  desk_click(desk, red.x, red.y);
  wait_place(stage, since, "click", 50, 50, name + ", a click");
  since = seen_so_far(stage);
  desk_click(desk, green.x, green.y, 4);
  wait_place(stage, since, "menu", 230, 50, name + ", a right click");
  check_at(picture_share(desk_picture(desk), kBlue) > 0.2, name + ": the browser's own menu lies over the session");
  since = seen_so_far(stage);
  desk_click(desk, green.x, green.y, 16);
  wait_seen(stage, since, "down", name + ", the wheel down");
  since = seen_so_far(stage);
  desk_click(desk, green.x, green.y, 8);
  wait_seen(stage, since, "up", name + ", the wheel up");
  // As a hand: pressed, pulled in steps, let go.
  since = seen_so_far(stage);
  desk_point(desk, red.x, red.y, 0);
  for (int step = 0; step <= 10; step++) {
    desk_point(desk, red.x + (green.x - red.x) * step / 10, red.y + (green.y - red.y) * step / 10, 1);
    proc_run({"sleep", "0.05"});
  }
  desk_point(desk, green.x, green.y, 0);
  wait_seen(stage, since, "dropped the red one", name + ", drag and drop");
}

void mouse_and_wheel_do_in_the_session_what_they_do_at_home(void** state) {
  Stage* stage = stage_of(state);
  Box box = show_page(stage);
  stage->desk = desk_open(640, 480);  // Chromium's window is never narrower than 500
  box_wait_healthy(box);
  desk_browse(stage->desk.get(), DeskBrowser::kChromium, box_url(box, "http", "/"));
  use_the_mouse(stage, "chromium");
  desk_browse(stage->desk.get(), DeskBrowser::kFirefox, box_url(box, "http", "/"));
  use_the_mouse(stage, "firefox");
}

// How many of the session's pixels are squares of `times` pixels in the browser's picture, from this corner on.
double share_exact(const Picture& browser, const Picture& session, int left, int top, int times) {
  long same = 0;
  for (int y = 0; y < session.height * times; y++) {
    for (int x = 0; x < session.width * times; x++) {
      int by = top + y, bx = left + x;
      if (bx >= browser.width || by >= browser.height) continue;
      same += browser.pixels[static_cast<size_t>(by * browser.width + bx)] ==
              session.pixels[static_cast<size_t>(y / times * session.width + x / times)];
    }
  }
  return static_cast<double>(same) / (session.width * session.height * times * times);
}

void check_sharp(Stage* stage, const Picture& session, int left, int top, int times, const std::string& name,
                 const At& at = At::current()) {
  double share = 0;
  Picture picture;
  bool sharp = wait_until(20, [&] {
    picture = browser_screenshot(stage->browser.get());
    share = share_exact(picture, session, left, top, times);
    return share > 0.99;
  });
  keep("pointing-" + name, picture);
  check_at(sharp, name + ": so much of the session is there pixel for pixel: " + std::to_string(share), at);
}

void the_screen_is_sharp_where_it_fits_whole_and_whole_where_it_does_not(void** state) {
  Stage* stage = stage_of(state);
  Box box = show_page(stage);
  stage->browser = browser_open(700, 500);
  Browser* browser = stage->browser.get();
  box_wait_healthy(box);
  browser_go(browser, box_url(box, "http", "/"));
  browser_wait_color(browser, kBlue, 0.1, "pointing-wait");
  Picture session = box_screen(box);
  check_number(session.width, kWidth, "WIDTH");
  check_number(session.height, kHeight, "HEIGHT");

  check_sharp(stage, session, 150, 100, 1, "once");
  size_t since = seen_so_far(stage);
  browser_click(browser, 150 + 50, 100 + 50);
  wait_place(stage, since, "click", 50, 50, "a click at its own size");
  browser_resize(browser, 1000, 700);
  check_sharp(stage, session, 100, 50, 2, "twice");
  since = seen_so_far(stage);
  browser_click(browser, 100 + 2 * 230, 50 + 2 * 50);
  wait_place(stage, since, "click", 230, 50, "a click at twice its size");

  // A display of a size that browsers enlarge pages for: whole pixels of the display count.
  browser_devtools(browser, "Emulation.setDeviceMetricsOverride",
                   R"({"width": 800, "height": 600, "deviceScaleFactor": 1.25, "mobile": false})");
  check_sharp(stage, session, 100, 75, 2, "fraction");
  browser_devtools(browser, "Emulation.clearDeviceMetricsOverride", "{}");

  browser_resize(browser, 300, 500);
  Picture picture;
  PictureBox seen;
  bool whole = wait_until(20, [&] {
    picture = browser_screenshot(browser);
    return picture_find(picture, kBlue, 8, &seen) && seen.left <= 1 && seen.right >= 298 && abs(seen.top - 137) <= 2 &&
           abs(seen.bottom - 361) <= 2;
  });
  keep("pointing-small", picture);
  check_at(whole, "a window that is too small does not show the whole screen");
  since = seen_so_far(stage);
  browser_click(browser, 230 * 3 / 4, 137 + 50 * 3 / 4);
  wait_place(stage, since, "click", 230, 50, "a click at three quarters of its size");
}

// The middle of a button, "" when it is not to be seen.
Place button_place(Browser* browser, const std::string& name) {
  std::string said = browser_script(
      browser, "const box = document.querySelector('[data-do=" + name +
                   "]').getBoundingClientRect(); return box.width ? Math.round(box.x + box.width / 2) + ' ' + "
                   "Math.round(box.y + box.height / 2) : ''");
  Place place;
  if (sscanf(said.c_str(), "%d %d", &place.x, &place.y) != 2) return {-1, -1};
  return place;
}

void the_upper_edge_offers_full_screen(void** state) {
  Stage* stage = stage_of(state);
  Box box = show_page(stage);
  stage->browser = browser_open(600, 400);
  Browser* browser = stage->browser.get();
  box_wait_healthy(box);
  browser_go(browser, box_url(box, "http", "/"));
  browser_wait_color(browser, kBlue, 0.1, "pointing-wait");
  check_number(button_place(browser, "full").x, -1, "a button over the screen that nobody asked for");
  browser_devtools(browser, "Input.dispatchMouseEvent", R"({"type": "mouseMoved", "x": 200, "y": 1})");
  Place full;
  check_at(wait_until(10, [&] { return (full = button_place(browser, "full")).x > 0; }), "no button at the upper edge");
  keep("pointing-edge", browser_screenshot(browser));
  check_number(button_place(browser, "keys").x, -1, "the other button, where there is no glass");
  browser_click(browser, full.x, full.y);
  check_at(
      wait_until(10, [&] { return browser_script(browser, "return String(!!document.fullscreenElement)") == "true"; }),
      "no full screen");
  check_at(wait_until(15, [&] { return button_place(browser, "full").x < 0; }), "the button stays over the screen");
}

// ---- fingers ----------------------------------------------------------------------------------------------------------

struct Fingers {
  Browser* browser;
  std::vector<Place> at;

  std::string points() const {
    std::string json;
    for (size_t i = 0; i < at.size(); i++)
      json += (i > 0 ? "," : "") + std::string("{\"x\":") + std::to_string(at[i].x) +
              ",\"y\":" + std::to_string(at[i].y) + ",\"id\":" + std::to_string(i) + "}";
    return json;
  }
  void send(const char* type, const std::string& json) const {
    browser_devtools(browser, "Input.dispatchTouchEvent",
                     std::string("{\"type\":\"") + type + "\",\"touchPoints\":[" + json + "]}");
  }
  void down() const { send("touchStart", points()); }
  void move(int dx, int dy) {
    for (Place& one : at) one = {one.x + dx, one.y + dy};
    send("touchMove", points());
  }
  void up() const { send("touchEnd", ""); }
};

void fingers_and_keyboards_on_glass(void** state) {
  Stage* stage = stage_of(state);
  Box box = show_page(stage);
  stage->browser = browser_open(600, 600);
  Browser* browser = stage->browser.get();
  browser_devtools(browser, "Emulation.setDeviceMetricsOverride",
                   R"({"width": 400, "height": 500, "deviceScaleFactor": 2, "mobile": true})");
  browser_devtools(browser, "Emulation.setTouchEmulationEnabled", R"({"enabled": true, "maxTouchPoints": 5})");
  box_wait_healthy(box);
  browser_go(browser, box_url(box, "http", "/"));
  browser_wait_color(browser, kBlue, 0.1, "pointing-glass");
  const int top = 100;  // 400 x 300 at its own size in the middle of 400 x 500

  size_t since = seen_so_far(stage);
  Fingers tap = {browser, {{50, top + 50}}};
  tap.down();
  tap.up();
  wait_place(stage, since, "click", 50, 50, "a tap");
  since = seen_so_far(stage);
  Fingers two = {browser, {{220, top + 50}, {240, top + 50}}};
  two.down();
  two.up();
  wait_place(stage, since, "menu", 230, 50, "a tap of two fingers");
  since = seen_so_far(stage);
  Fingers pull = {browser, {{50, top + 50}}};
  pull.down();
  for (int step = 0; step < 10; step++) {
    pull.move(18, 0);
    proc_run({"sleep", "0.05"});
  }
  pull.up();
  wait_seen(stage, since, "dropped the red one", "a finger that drags");
  since = seen_so_far(stage);
  Fingers scroll = {browser, {{180, top + 250}, {220, top + 250}}};
  scroll.down();
  for (int step = 0; step < 10; step++) {
    scroll.move(0, -20);
    proc_run({"sleep", "0.05"});
  }
  scroll.up();
  wait_seen(stage, since, "down", "two fingers that move up");

  // The field gets the cursor, and no keyboard comes up by itself.
  Fingers field = {browser, {{100, top + 215}}};
  field.down();
  field.up();
  check_equal(browser_script(browser, "return document.getElementById('keys').inputMode"), "none", "before the button");
  Place keys = button_place(browser, "keys");
  check_at(keys.x > 0, "no button for the keyboard");
  Fingers button = {browser, {keys}};
  button.down();
  button.up();
  check_at(wait_until(10,
                      [&] {
                        return browser_script(browser,
                                              "const it = document.getElementById('keys'); return it.inputMode + ' ' + "
                                              "(document.activeElement === it)") == "text true";
                      }),
           "the button calls no keyboard up");
  keep("pointing-keys", browser_screenshot(browser));

  // What such keyboards do: a word grows, is guessed, is replaced by what was meant; a letter goes, and one comes with its accent.
  since = seen_so_far(stage);
  auto compose = [&](const std::string& text) {
    browser_devtools(browser, "Input.imeSetComposition",
                     "{\"text\":\"" + text + "\",\"selectionStart\":0,\"selectionEnd\":0}");
  };
  for (const char* so_far : {"J", "Jo", "Joa", "Jo", "Joa"}) compose(so_far);
  wait_seen(stage, since, "text Joa", "a word that grows");
  browser_devtools(browser, "Input.insertText", R"({"text": "João "})");
  wait_seen(stage, since, "text João ", "the word that was guessed");
  browser_devtools(browser, "Input.insertText", R"({"text": "é ç"})");
  wait_seen(stage, since, "text João é ç", "accents");
  browser_script(browser, "document.execCommand('delete')");
  wait_seen(stage, since, "text João é ", "a backspace that is no key");
  browser_devtools(browser, "Input.dispatchKeyEvent",
                   R"({"type": "rawKeyDown", "key": "Backspace", "windowsVirtualKeyCode": 8})");
  browser_devtools(browser, "Input.dispatchKeyEvent",
                   R"({"type": "keyUp", "key": "Backspace", "windowsVirtualKeyCode": 8})");
  wait_seen(stage, since, "text João é", "a backspace without a place on a keyboard");
}

}  // namespace

int main() {
  return stage_main("pointing",
                    {IMAGE_TEST(mouse_and_wheel_do_in_the_session_what_they_do_at_home),
                     IMAGE_TEST(the_screen_is_sharp_where_it_fits_whole_and_whole_where_it_does_not),
                     IMAGE_TEST(the_upper_edge_offers_full_screen), IMAGE_TEST(fingers_and_keyboards_on_glass)});
}
