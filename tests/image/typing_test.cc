// What the keys of a real keyboard, pressed at the user's desk, write into a page inside the session: layout by layout, browser by browser.
#include "image/stage.h"
#include "support/desk.h"

namespace {

struct Keyboard {
  const char* name;
  const char* setting;  // KEYBOARD of a session that is told of it
  const char *layout, *variant;
  const char* keys;
  const char* text;
};

// On both: cedilla, accents by dead keys, small and capital, what AltGr gives, a dead key alone, plain punctuation.
constexpr Keyboard kAbnt2 = {"abnt2",
                             "br",
                             "br",
                             "abnt2",
                             "; S-; ' a [ e ' o S-' a S-6 u ' S-a S-[ a A-q A-w A-c / S-/ ro S-ro ` S-` ' space S-' "
                             "space [ space kp7 caps a ; caps a",
                             "çÇãéõâüÃà/?©;:/?'\"~^'7AÇa"};
constexpr Keyboard kIntl = {
    "us-intl",
    "us:intl",
    "us",
    "intl",
    "A-, A-S-, S-` a ' e S-` o S-6 a S-' u S-` S-a ` a A-5 ; / S-/ ' space S-' space S-` space kp7 caps a caps a",
    "çÇãéõâüÃà€;/?'\"~7Aa"};
constexpr int kWidth = 640, kHeight = 480;

std::string last_text(Stage* stage) {
  std::vector<PageRequest> typed = page_server_requests(stage->pages.get(), "/typed");
  return typed.empty() ? "" : typed.back().body;
}

Box box_with_keyboard(Stage* stage, const std::string& name, const std::string& keyboard) {
  return box_start(
      stage, name,
      {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/"), "-e", "KEYBOARD=" + keyboard, "-e",
       "WIDTH=" + std::to_string(kWidth), "-e", "HEIGHT=" + std::to_string(kHeight)});
}

void wait_connected(Stage* stage, const std::string& name) {
  Picture picture;
  bool seen = wait_until(60, [&] {
    picture = desk_picture(stage->desk.get());
    return picture_share(picture, kBlue) > 0.5;
  });
  keep(name, picture);
  check_at(seen, "the session does not show in the browser at the desk");
}

void types(Stage* stage, const std::string& name, const std::string& keys, const std::string& text,
           const At& at = At::current()) {
  Desk* desk = stage->desk.get();
  // The field is emptied first, so that what the one before has written counts for nothing.
  desk_keys(desk, "x");
  check_at(wait_until(20, [&] { return last_text(stage).ends_with("x"); }), name + ": no key arrives", at);
  desk_keys(desk, "C-a del");
  check_at(wait_until(20, [&] { return last_text(stage).empty(); }), name + ": Ctrl+A, Del leave " + last_text(stage),
           at);
  desk_keys(desk, keys);
  bool arrived = wait_until(20, [&] { return last_text(stage) == text; });
  keep(name, desk_picture(desk));
  check_equal(last_text(stage), text, name + ": what the keys " + keys + " write", at);
  check_at(arrived, name, at);
}

// Three sessions serve both browsers: one told of each layout, and one for all whose keyboard is not known.
void every_key_writes_what_it_says_on_it(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("typing", kBlue, kGreen, "-", "/typed"));
  const Keyboard keyboards[] = {kAbnt2, kIntl};
  Box automatic = box_with_keyboard(stage, "auto", "auto");
  Box named[] = {box_with_keyboard(stage, "br", kAbnt2.setting), box_with_keyboard(stage, "intl", kIntl.setting)};
  stage->desk = desk_open(kWidth, kHeight);
  Desk* desk = stage->desk.get();
  // The light is on before a session is entered, whose keypad starts without.
  desk_keys(desk, "numlock");
  for (DeskBrowser browser : {DeskBrowser::kChromium, DeskBrowser::kFirefox}) {
    for (int i = 0; i < 2; i++) {
      const Keyboard& keyboard = keyboards[i];
      desk_layout(desk, keyboard.layout, keyboard.variant);
      for (bool is_named : {true, false}) {
        const Box& box = is_named ? named[i] : automatic;
        box_wait_healthy(box);
        std::string name = std::string("typing-") + (browser == DeskBrowser::kChromium ? "chromium-" : "firefox-") +
                           keyboard.name + (is_named ? "" : "-auto");
        desk_browse(desk, browser, box_url(box, "http", "/"));
        wait_connected(stage, name);
        types(stage, name, keyboard.keys, keyboard.text);
        // Stock tables make a c with an acute accent of it. In auto it is the person's own system that has the say.
        if (is_named && keyboard.variant == kIntl.variant) types(stage, name + "-cedilla", "' c ' S-c", "çÇ");
      }
    }
  }
}

// Chromium on Windows names no composition: a dead key, then a letter whose event says a plain a while the field gets an accent.
void a_dead_key_as_windows_sends_it_keeps_its_accent(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_with_input("typing", kBlue, kGreen, "-", "/typed"));
  Box box = box_with_keyboard(stage, "windows", "auto");
  stage->browser = browser_open(kWidth, kHeight);
  Browser* browser = stage->browser.get();
  box_wait_healthy(box);
  browser_go(browser, box_url(box, "http", "/"));
  browser_wait_color(browser, kBlue, 0.5, "typing-windows");
  auto press = [&](const char* key, const char* code, const char* text) {
    std::string named = std::string("\"key\":\"") + key + "\",\"code\":\"" + code + "\"";
    std::string down = *text == 0 ? "rawKeyDown" : "keyDown";
    browser_devtools(browser, "Input.dispatchKeyEvent",
                     "{\"type\":\"" + down + "\",\"text\":\"" + text + "\"," + named + "}");
    browser_devtools(browser, "Input.dispatchKeyEvent", "{\"type\":\"keyUp\"," + named + "}");
  };
  press("Dead", "Quote", "");
  press("a", "KeyA", "ã");
  press("o", "KeyO", "o");
  press("Dead", "BracketLeft", "");
  press(" ", "Space", "´");
  bool arrived = wait_until(20, [&] { return last_text(stage).ends_with("´"); });
  keep("typing-windows", browser_screenshot(browser));
  check_equal(last_text(stage), "ão´", "what the keys write");
  check_at(arrived, "the last key does not arrive");
  // Nothing comes of a dead key before Tab, which is the session's: here it would lead out of the field.
  press("Dead", "Quote", "");
  press("Tab", "Tab", "");
  check_equal(browser_script(browser, "return document.activeElement.id"), "keys", "what has the focus after Tab");
}

void a_layout_that_nobody_knows_is_said_and_letters_travel(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_of_color(kBlue));
  Box box = box_with_keyboard(stage, "unknown", "br:dvorak2");
  check_at(
      wait_until(20,
                 [&] { return box_log(box).find("KEYBOARD='br:dvorak2' is no keyboard layout") != std::string::npos; }),
      box_log(box));
  box_wait_healthy(box);
  check_at(box_get(box, "http", "/").body.find("name=\"keyboard\" content=\"auto\"") != std::string::npos,
           "the page sends codes that nobody translates");
}

}  // namespace

int main() {
  return stage_main("typing", {IMAGE_TEST(every_key_writes_what_it_says_on_it),
                               IMAGE_TEST(a_dead_key_as_windows_sends_it_keeps_its_accent),
                               IMAGE_TEST(a_layout_that_nobody_knows_is_said_and_letters_travel)});
}
