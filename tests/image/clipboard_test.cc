// Copy and paste between the user's desk and the session, by the keys that people use, and what CLIPBOARD keeps from passing.
#include <unistd.h>

#include "image/stage.h"
#include "support/desk.h"
#include "support/rfb.h"

namespace {

constexpr int kWidth = 400, kHeight = 300;
const char* const kOutside = "Olá, ação!\nlinha 2 — 10 €\n\tfim 😀";
const char* const kTyped = "á\nç";  // by kTypingIt on a US international keyboard
const char* const kTypingIt = "' a enter A-,";

struct Way {
  const char* value;
  bool in, out;
};

// Its text is posted to /typed-NAME as it changes.
Page page_with_area(const std::string& name) {
  Page page;
  page.body =
      "<!doctype html><meta charset=utf-8><style>html{background:#1e90ff}body{margin:0}"
      "textarea{box-sizing:border-box;width:100%;height:120px;border:0}</style><textarea id=i autofocus></textarea>"
      "<script>let told=Promise.resolve();i.oninput=()=>{const text=i.value;told=told.then(()=>fetch('/typed-" +
      name + "',{method:'POST',body:text})).catch(()=>{})}</script>";
  return page;
}

struct Session {
  Box box;
  std::string name;
  Way way;
};

Session session_start(Stage* stage, const Way& way) {
  Session session;
  session.name = way.value;
  session.way = way;
  page_server_set(stage->pages.get(), "/" + session.name, page_with_area(session.name));
  session.box = box_start(stage, session.name,
                          {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), "/" + session.name),
                           "-e", "WIDTH=" + std::to_string(kWidth), "-e", "HEIGHT=" + std::to_string(kHeight), "-e",
                           std::string("CLIPBOARD=") + way.value});
  return session;
}

std::string text_in(Stage* stage, const Session& session) {
  std::vector<PageRequest> typed = page_server_requests(stage->pages.get(), "/typed-" + session.name);
  return typed.empty() ? "" : typed.back().body;
}

void wait_text(Stage* stage, const Session& session, const std::string& text, const std::string& what,
               const At& at = At::current()) {
  bool there = wait_until(15, [&] { return text_in(stage, session) == text; });
  if (!there) keep("clipboard-" + session.name, desk_picture(stage->desk.get()));
  check_equal(text_in(stage, session), text, session.name + ": " + what, at);
}

void empty_field(Stage* stage, const Session& session) {
  desk_keys(stage->desk.get(), "x");
  check_at(wait_until(15, [&] { return text_in(stage, session).ends_with("x"); }), session.name + ": no key arrives");
  desk_keys(stage->desk.get(), "C-a del");
  wait_text(stage, session, "", "the emptied field");
}

void enter_session(Stage* stage, const Session& session, DeskBrowser browser, const std::string& url) {
  box_wait_healthy(session.box);
  desk_browse(stage->desk.get(), browser, url);
  Picture picture;
  bool seen = wait_until(60, [&] {
    picture = desk_picture(stage->desk.get());
    return picture_share(picture, kBlue) > 0.3;
  });
  keep("clipboard-" + session.name, picture);
  check_at(seen, session.name + ": the session does not show at the desk");
}

void copies_into_the_session(Stage* stage, const Session& session) {
  Desk* desk = stage->desk.get();
  desk_clipboard_put(desk, kOutside);
  check_at(wait_until(15, [&] { return desk_clipboard(desk) == kOutside; }), "the desk has no clipboard");
  desk_keys(desk, "C-v");
  if (session.way.in) {
    wait_text(stage, session, kOutside, "what Ctrl+V brings from the desk");
    return;
  }
  // Nor does a client that does not care what our page thinks.
  RfbPtr other = rfb_connect(session.box.address, 5900);
  check_at(other != nullptr && rfb_cut_text(other.get(), "smuggled"), "no second client");
  Picture picture;
  check_at(rfb_frame(other.get(), &picture), "no frame after the text");
  desk_keys(desk, "C-v x");
  wait_text(stage, session, "x", "Ctrl+V where nothing comes in");
}

void copies_out_of_the_session(Stage* stage, const Session& session) {
  Desk* desk = stage->desk.get();
  RfbPtr other = rfb_connect(session.box.address, 5900);
  Picture picture;
  check_at(other != nullptr && rfb_frame(other.get(), &picture), "no second client");
  empty_field(stage, session);
  desk_keys(desk, kTypingIt);
  wait_text(stage, session, kTyped, "what was typed");
  desk_keys(desk, "C-a C-c");
  if (session.way.out) {
    check_at(wait_until(15, [&] { return desk_clipboard(desk) == kTyped; }),
             session.name + ": Ctrl+C in the session leaves at the desk: " + desk_clipboard(desk));
  }
  // Inside it can be pasted in any case, at once, and that is the sign that it had been copied.
  desk_keys(desk, "C-v C-v");
  wait_text(stage, session, std::string(kTyped) + kTyped, "what was copied inside and pasted inside twice");
  check_at(rfb_frame(other.get(), &picture), "no frame after the copy");
  check_equal(other->cut_text, session.way.out ? "\xe1\n\xe7" : "",
              session.name + ": what the X server says of the copy");
  if (!session.way.out) check_equal(desk_clipboard(desk), kOutside, session.name + ": the desk's own clipboard");
}

void what_is_copied_goes_where_it_may(void** state) {
  Stage* stage = stage_of(state);
  std::vector<Session> sessions;
  for (const Way& way :
       {Way{"both", true, true}, Way{"in", true, false}, Way{"out", false, true}, Way{"off", false, false}})
    sessions.push_back(session_start(stage, way));
  stage->desk = desk_open(kWidth, kHeight);
  Desk* desk = stage->desk.get();
  desk_layout(desk, "us", "intl");
  for (const Session& session : sessions) {
    // Browsers give a page their clipboard's interface over https and on this machine; elsewhere the old way has to do.
    bool is_trusted = session.name != "out";
    enter_session(stage, session, DeskBrowser::kChromium,
                  is_trusted ? box_url(session.box, "http", "/") : "http://" + session.box.address + ":6080/");
    empty_field(stage, session);
    copies_into_the_session(stage, session);
    copies_out_of_the_session(stage, session);
  }
  enter_session(stage, sessions[0], DeskBrowser::kFirefox, box_url(sessions[0].box, "http", "/"));
  empty_field(stage, sessions[0]);
  copies_into_the_session(stage, sessions[0]);
  copies_out_of_the_session(stage, sessions[0]);
  // A copy made elsewhere since is the newer one.
  desk_clipboard_put(desk, "depois");
  sleep(1);
  desk_keys(desk, "C-a C-v");
  wait_text(stage, sessions[0], "depois", "what was copied at the desk after that");

  // The session offers its clipboard again to whoever enters it; a connection that was lost is no wish to have it.
  desk_clipboard_put(desk, "antes");
  desk_keys(desk, "C-a C-c");
  check_at(wait_until(15, [&] { return desk_clipboard(desk) == "depois"; }), "the copy does not come to the desk");
  desk_clipboard_put(desk, "mais novo");
  box_replace(sessions[0].box, "session-web");
  size_t before = page_server_requests(stage->pages.get(), "/typed-both").size();
  check_at(wait_until(30,
                      [&] {
                        desk_keys(desk, "x");
                        return page_server_requests(stage->pages.get(), "/typed-both").size() > before;
                      }),
           "no key arrives after the connection was lost");
  check_equal(desk_clipboard(desk), "mais novo", "the desk's clipboard after the connection was lost");
}

}  // namespace

int main() { return stage_main("clipboard", {IMAGE_TEST(what_is_copied_goes_where_it_may)}); }
