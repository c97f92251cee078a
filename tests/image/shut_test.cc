// Every way out of the page that kiosks are known for, tried with real keys and clicks, seen by the page, the X server and the screen.
#include <unistd.h>

#include <algorithm>

#include "image/seat.h"
#include "support/proc.h"

namespace {

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

// ---- links, dialogs, files -------------------------------------------------------------------------------------------------

struct Way {
  const char* name;
  const char* html;
};

void no_link_leads_out_and_files_are_of_one_folder(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  const Way ways[] = {
      {"file", "<a href='file:///etc/passwd'>file</a>"},
      {"file-apart", "<a target=_blank href='file:///etc/'>file-apart</a>"},
      {"file-open", "<button onclick=\"try{window.open('file:///etc/passwd')}catch(e){}\">file-open</button>"},
      {"file-here", "<button onclick=\"try{location='file:///etc/passwd'}catch(e){}\">file-here</button>"},
      {"source", "<a href='view-source:http://localhost/'>source</a>"},
      {"config", "<a href='about:config'>config</a>"},
      {"config-open", "<button onclick=\"try{window.open('about:config')}catch(e){}\">config-open</button>"},
      {"support", "<a href='about:support'>support</a>"},
      {"chrome", "<a href='chrome://browser/content/browser.xhtml'>chrome</a>"},
      {"resource", "<a href='resource://gre/greprefs.js'>resource</a>"},
      {"jar", "<a href='jar:file:///usr/lib/firefox-esr/omni.ja!/greprefs.js'>jar</a>"},
      {"extension", "<a href='moz-extension://x/y.html'>extension</a>"},
      {"mail", "<a href='mailto:ana@example.org'>mail</a>"},
      {"call", "<a href='tel:+551140028922'>call</a>"},
      {"unknown", "<a href='ms-settings:display'>unknown</a>"},
      {"print", "<button onclick='print()'>print</button>"},
      {"script", "<a href=\"javascript:tell('/script',document.title+!!window.InstallTrigger)\">script</a>"},
      {"addon", "<a href='/addon.xpi'>addon</a>"},
      {"fetched", "<a href='/fetched.bin'>fetched</a>"}};
  std::string more;
  for (const Way& way : ways) more += way.html;
  more +=
      "<input type=file onchange=\"tell('/file',this.files[0].name+' '+this.files[0].size)\">"
      "<input type=file webkitdirectory onchange=\"tell('/folder',[...this.files].map(f=>f.webkitRelativePath).join())\">";
  page_server_set(pages, "/", telling_page("start", "#1e90ff", more));
  Page addon;
  addon.type = "application/x-xpinstall";
  addon.body = file_text("tests/image/addon.xpi");  // a whole one: a manifest, and a script that turns every page red
  page_server_set(pages, "/addon.xpi", addon);
  Page fetched;
  fetched.type = "application/octet-stream";
  fetched.body = std::string(2000, 'x');
  page_server_set(pages, "/fetched.bin", fetched);

  Seat seat = seat_open(stage, "links", {"-e", "APPNAME=firefox-kiosk " + page_server_url(pages, "/")});
  check_at(wait_until(10, [&] { return posts(seat, "/load") == 1; }), "the page is not there");
  int y = 45;
  for (const Way& way : ways) {
    click_seen(seat, 200, y);
    check_equal(last_post(seat, "/click"), way.name, "what was clicked on");
    y += 30;
    usleep(300000);
    check_one_window(seat, "start", way.name);
    press_seen(seat, "Esc", way.name);  // also closes the word that extensions are not allowed
  }
  check_equal(last_post(seat, "/script"), "startfalse", "what a page's own javascript: link sees");
  bool is_there = wait_until(10, [&] { return inside(seat, "ls /home/session/Downloads || true") == "fetched.bin"; });
  check_at(is_there, "files of the session: " + inside(seat, "ls -A /home/session/Downloads"));
  check_equal(inside(seat, "ls /home/session/profile/extensions 2>/dev/null || true"), "", "extensions");
  check_equal(inside(seat, "find / -xdev -name '*.pdf' -newer /run/session/nonce 2>/dev/null || true"), "", "what was printed");

  // Upload: a list of that folder; a path that is typed is none of it.
  rfb_click(seat.rfb.get(), 60, y);
  check_at(wait_until(10, [&] { return has_window(seat, "Arquivos desta sessão"); }),
           "no file dialog; windows: " + titles_of(seat_windows(seat)));
  usleep(500000);  // for the picture
  keep_screen(seat, "shut-files");
  rfb_press(seat.rfb.get(), "Ctrl+l");
  rfb_type(seat.rfb.get(), "/etc/passwd\n");
  usleep(500000);
  check_at(seat_windows(seat).size() == 2, "windows: " + titles_of(seat_windows(seat)));
  check_equal(last_post(seat, "/file"), "", "what was uploaded");
  rfb_press(seat.rfb.get(), "Home");
  rfb_press(seat.rfb.get(), "Return");
  bool taken = wait_until(10, [&] { return posts(seat, "/file") > 0; });
  check_at(taken, "the file is not taken; windows: " + titles_of(seat_windows(seat)));
  check_equal(last_post(seat, "/file"), "fetched.bin 2000", "what was uploaded");
  check_one_window(seat, "start", "the file dialog");

  // A whole folder: there is but that one, and the browser asks whether all of it shall go.
  rfb_click(seat.rfb.get(), 60, y + 30);
  check_at(wait_until(10, [&] { return has_window(seat, "Arquivos desta sessão"); }),
           "no file dialog for a folder; windows: " + titles_of(seat_windows(seat)));
  usleep(500000);
  rfb_press(seat.rfb.get(), "Return");
  sleep(2);
  keep_screen(seat, "shut-folder");
  rfb_press(seat.rfb.get(), "Tab");  // "no" is what Return means
  rfb_press(seat.rfb.get(), "Return");
  bool sent = wait_until(10, [&] { return posts(seat, "/folder") > 0; });
  check_at(sent, "the folder is not taken; windows: " + titles_of(seat_windows(seat)));
  check_equal(last_post(seat, "/folder"), "Downloads/fetched.bin", "what was uploaded of the folder");
  wait_one_window(seat, "start", "the folder");
  assert_int_equal(posts(seat, "/load"), 1);
  keep_screen(seat, "shut-links");
}

// ---- the right button, passwords -------------------------------------------------------------------------------------------

// Menus are windows that no window manager knows of: their pixels and the keys they would take tell of them.
void the_right_button_opens_no_menu(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", telling_page("start", "#1e90ff",
                                                        "<a href='/other'>link</a><a id=t>some text</a>"
                                                        "<img width=60 height=60 style='background:#20c040' src='data:image/svg+xml,"
                                                        "<svg xmlns=%22http://www.w3.org/2000/svg%22/>'>"));
  Seat seat = seat_open(stage, "right", {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/")});
  click_seen(seat, 200, 15);
  struct Place {
    const char* what;
    int x, y;
  };
  for (const Place& place : {Place{"the page", 200, 500}, {"a link", 20, 45}, {"text", 20, 75}, {"a picture", 30, 120}, {"a field", 200, 15}}) {
    rfb_pointer(seat.rfb.get(), place.x, place.y, 0);
    usleep(300000);
    Picture before, after;
    check_at(rfb_frame(seat.rfb.get(), &before), "VNC ended");
    rfb_click(seat.rfb.get(), place.x, place.y, 3);
    usleep(700000);
    check_at(rfb_frame(seat.rfb.get(), &after), "VNC ended");
    size_t other = 0;
    for (size_t i = 0; i < before.pixels.size() && i < after.pixels.size(); ++i) other += before.pixels[i] != after.pixels[i] ? 1 : 0;
    keep_screen(seat, "shut-right");
    // The caret and the underlining of a link are less, the smallest menu is more.
    check_at(before.pixels.size() == after.pixels.size() && other < 2000,
             std::string("on ") + place.what + " it changes " + std::to_string(other) + " pixels");
    press_seen(seat, "x", std::string("a right click on ") + place.what);
    check_one_window(seat, "start", place.what);
  }
}

void no_password_is_asked_for_or_kept(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  const std::string form =
      "<form action=/in><input id=n name=user autocomplete=username><input id=p type=password "
      "autocomplete=current-password><button>enter</button></form>";
  page_server_set(pages, "/", telling_page("start", "#1e90ff", form));
  page_server_set(pages, "/in", telling_page("inside", "#20c040", "<a href='/'>back</a>"));
  Seat seat = seat_open(stage, "password", {"-e", "APPNAME=firefox-kiosk " + page_server_url(pages, "/")});
  click_seen(seat, 200, 45);
  rfb_type(seat.rfb.get(), "ana");
  click_seen(seat, 200, 75);
  rfb_type(seat.rfb.get(), "segredo7\n");
  wait_front(seat, kGreen, 0.8, "the form");
  sleep(2);  // a question would come a moment later
  keep_screen(seat, "shut-password");
  check_at(screen_share(seat, kGreen) > 0.9, "something covers the page that follows");
  check_one_window(seat, "inside", "the form");
  press_seen(seat, "Esc", "the form");
  // Back at the form nothing is filled in, and no list opens under the field.
  click_seen(seat, 200, 45);
  wait_front(seat, kBlue, 0.8, "the link back");
  rfb_click(seat.rfb.get(), 200, 45);
  rfb_press(seat.rfb.get(), "Down");
  sleep(1);
  check_at(screen_share(seat, kBlue) > 0.85, "something opens under the field");
  check_equal(inside(seat, "cat /home/session/profile/logins.json 2>/dev/null | grep -c encryptedPassword || true"), "0", "passwords kept");
  check_equal(inside(seat, "grep -rl segredo7 /home/session/profile 2>/dev/null || true"), "", "files with the password");
}

// ---- windows, crashes, the browser's own pages -----------------------------------------------------------------------------

void kill_page(const Seat& seat) { inside(seat, "kill -KILL $(ps -eo pid,args | awk '$NF == \"tab\" { print $1 }')", "session"); }

void the_start_page_comes_back(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  page_server_set(pages, "/", telling_page("start", "#1e90ff", "<button onclick=\"open('/apart','','width=300,height=300')\">open</button>"));
  page_server_set(pages, "/apart", telling_page("apart", "#20c040", ""));
  Page end;
  end.body = "<!doctype html><title>end</title>";
  page_server_set(pages, "/end", end);
  // The browser's own pages, in tabs beside the start page: as if there were a way to type them.
  const std::string own =
      "about:config about:support about:preferences about:addons about:profiles about:processes "
      "view-source:" +
      page_server_url(pages, "/end") + " file:///etc/passwd resource://gre/greprefs.js";
  Seat seat = seat_open(stage, "windows", {"-e", "APPNAME=firefox-kiosk " + page_server_url(pages, "/") + " " + own});
  check_at(wait_until(20, [&] { return posts(seat, "/load") > 0; }), "the start page is not loaded");
  for (int i = 0; i < 9; ++i) {
    bool shut = wait_until(10, [&] { return has_window(seat, "Página bloqueada"); });
    check_at(shut, "tab " + std::to_string(i) + " is not shut: " + titles_of(seat_windows(seat)));
    if (i == 0) keep_screen(seat, "shut-own-page");
    size_t keys = posts(seat, "/load");
    rfb_press(seat.rfb.get(), "Ctrl+w");
    usleep(400000);
    assert_int_equal(posts(seat, "/load"), keys);
  }
  check_at(wait_until(10, [&] { return has_window(seat, "start"); }), "windows: " + titles_of(seat_windows(seat)));
  check_equal(last_post(seat, "/load"), "start", "the page");

  struct Loss {
    const char* what;
    void (*lose)(const Seat&);
  };
  const Loss losses[] = {{"its last tab closed", [](const Seat& it) { rfb_press(it.rfb.get(), "Ctrl+w"); }},
                         {"its process gone", kill_page},
                         {"its process gone again", kill_page}};
  for (const Loss& loss : losses) {
    size_t loads = posts(seat, "/load");
    loss.lose(seat);
    bool back = wait_until(20, [&] { return posts(seat, "/load") > loads; });
    keep_screen(seat, "shut-back");
    check_at(back, std::string("the start page is not back after ") + loss.what + ": " + titles_of(seat_windows(seat)));
    wait_one_window(seat, "start", loss.what);
    wait_front(seat, kBlue, 0.8, loss.what);
  }

  // In a window that a page has opened it is no page of a crash either, and the start page is there behind it.
  click_seen(seat, 200, 45);
  check_at(wait_until(10, [&] { return has_window(seat, "apart"); }), "no window: " + titles_of(seat_windows(seat)));
  size_t loads = posts(seat, "/load");
  check_at(wait_until(10, [&] { return last_post(seat, "/load") == "apart"; }), "the window's page is not loaded");
  kill_page(seat);
  bool back = wait_until(20, [&] { return posts(seat, "/load") > loads && last_post(seat, "/load") == "start"; });
  sleep(2);
  keep_screen(seat, "shut-apart");
  check_at(back, "the start page is not back: " + titles_of(seat_windows(seat)));
  wait_one_window(seat, "start", "a crash in another window");
  wait_front(seat, kBlue, 0.8, "a crash in another window");
}

void wait_flood_closed(const Seat& seat, size_t floods, size_t* most) {
  bool closed = wait_until(60, [&] {
    *most = std::max(*most, seat_windows(seat).size());
    std::string log = box_log(seat.box);
    size_t count = 0;
    for (size_t at = 0; (at = log.find("popups: they are closed", at)) != std::string::npos; ++at) ++count;
    return count >= floods;
  });
  check_at(closed, "flood " + std::to_string(floods) + " is not closed; windows: " + titles_of(seat_windows(seat)) +
                       "\n" + box_log(seat.box));
}

void a_flood_of_windows_is_refused_and_the_page_is_there(void** state) {
  Stage* stage = stage_of(state);
  PageServer* pages = stage->pages.get();
  // A hundred windows that open a hundred each, as soon as it is loaded: its site needs no click.
  const std::string flood =
      "<script>addEventListener('load',()=>{let got=0;"
      "for(let i=0;i<100;i++)if(open('/more','','width=300,height=200'))got++;tell('/got',''+got)});"
      "addEventListener('keydown',e=>e.key==='o'&&open('/more','','width=300,height=200'))</script>";
  page_server_set(pages, "/", telling_page("start", "#1e90ff", "<a href='/one' target=_blank>one</a>" + flood));
  page_server_set(pages, "/more", telling_page("more", "#cc2200", flood));
  page_server_set(pages, "/one", telling_page("one", "#20c040", ""));
  Seat seat = seat_open(stage, "flood", {"-e", "APPNAME=firefox-kiosk " + page_server_url(pages, "/")});
  size_t most = 0;
  wait_flood_closed(seat, 1, &most);
  wait_one_window(seat, "start", "the flood");
  wait_front(seat, kBlue, 0.8, "the flood");
  press_seen(seat, "Esc", "the flood");
  check_at(posts(seat, "/got") > 0 && atoi(last_post(seat, "/got").c_str()) <= 10, "windows that a page got: " + last_post(seat, "/got"));

  // What a person wants afterwards is opened, at the latest when the flood is some seconds ago.
  bool opened = wait_until(60, [&] {
    rfb_click(seat.rfb.get(), 200, 45);
    return wait_until(3, [&] { return has_window(seat, "one"); });
  });
  check_at(opened, "no window after the flood");
  wait_front(seat, kGreen, 0.8, "the click");
  rfb_press(seat.rfb.get(), "Ctrl+w");
  wait_one_window(seat, "start", "Ctrl+w");
  wait_front(seat, kBlue, 0.8, "Ctrl+w");

  // The same by a key that is held: each one is a person's will, of which no popup blocker takes any notice.
  for (int i = 0; i < 60; ++i) {
    rfb_press(seat.rfb.get(), "o");
    usleep(50000);
    most = std::max(most, seat_windows(seat).size());
  }
  wait_flood_closed(seat, 2, &most);
  wait_one_window(seat, "start", "the keys");
  wait_front(seat, kBlue, 0.8, "the keys");
  keep_screen(seat, "shut-flood");
  press_seen(seat, "Esc", "the keys");
  print_message("most windows at once: %zu, pages loaded in them: %zu\n", most, page_server_requests(pages, "/more").size());
  check_at(most <= 11 && page_server_requests(pages, "/more").size() <= 20, "that many windows were opened");
}

// ---- what cannot be shut is not opened -------------------------------------------------------------------------------------

void a_browser_that_cannot_be_shut_is_nobodys(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_of_color(kBlue));
  const std::string broken = stage->fixture->folder + "/broken", empty = stage->fixture->folder + "/empty";
  proc_output({"sh", "-c", "echo 'export function shut( {' > " + broken + "; : > " + empty});
  const std::string page = "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/");
  // A script that is none: Firefox ends at once, each time. Nothing read at all: it opens, and is never healthy.
  Box ends = box_start(stage, "broken", {"-e", page, "-v", broken + ":/usr/share/session/shut/shut.sys.mjs:ro"});
  Box opens = box_start(stage, "unread", {"-e", page, "-v", empty + ":/usr/lib/firefox-esr/session.cfg:ro"});
  auto count = [](const std::string& text, const std::string& part) {
    size_t times = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++times;
    return times;
  };
  bool said = wait_until(60, [&] {
    std::string log = box_log(ends);
    return count(log, "cannot be loaded, the browser ends: SyntaxError") >= 2 && count(log, "application ended") >= 2;
  });
  check_at(said, "no reason in the log: " + box_log(ends));
  check_at(page_server_requests(stage->pages.get(), "/").size() <= 1, "the broken one has asked for its page");
  box_wait_color(opens, kBlue);
  proc_output({"sh", "-c", "sleep 22"});  // more than the probe waits for a page that is not painted
  check_at(box_health(opens) != "healthy" && box_health(ends) != "healthy", "it is healthy");
  ProcResult probe = proc_run({"docker", "exec", opens.name, "sh", "-c", "touch /run/session/was-healthy; session-health"});
  check_at(probe.status == 1 && probe.out.find("does not say that it keeps people in the page") != std::string::npos,
           "the probe says: " + probe.out + probe.err);
}

}  // namespace

int main() {
  return stage_main("shut", {
                                IMAGE_TEST(no_key_leads_out_of_the_page),
                                IMAGE_TEST(no_link_leads_out_and_files_are_of_one_folder),
                                IMAGE_TEST(the_right_button_opens_no_menu),
                                IMAGE_TEST(no_password_is_asked_for_or_kept),
                                IMAGE_TEST(the_start_page_comes_back),
                                IMAGE_TEST(a_flood_of_windows_is_refused_and_the_page_is_there),
                                IMAGE_TEST(a_browser_that_cannot_be_shut_is_nobodys),
                            });
}
