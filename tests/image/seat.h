// A session with somebody before it, for tests of what a person can and cannot do there.
#ifndef IMAGE_SEAT_H
#define IMAGE_SEAT_H

#include <string>
#include <vector>

#include "image/stage.h"
#include "support/rfb.h"
#include "support/x_windows.h"

struct Seat {
  Stage* stage;
  Box box;
  RfbPtr rfb;
  std::string x_socket;
};

// Starts the session with these options of `docker run` and waits until its page is there.
Seat seat_open(Stage* stage, const std::string& name, const std::vector<std::string>& options);
Seat seat_at(Stage* stage, const Box& box);  // at a session that runs
std::vector<XWindow> seat_windows(const Seat& seat, const At& at = At::current());
std::string titles_of(const std::vector<XWindow>& windows);
bool has_window(const Seat& seat, const std::string& title);  // one whose title begins so
void check_one_window(const Seat& seat, const std::string& title, const std::string& after,
                      const At& at = At::current());
double screen_share(const Seat& seat, unsigned rgb);
// Waits until at least this share of the screen has the colour. What a page tells is no sign that it is in front: until its pixels
// are, clicks still go to the page before it.
void wait_front(const Seat& seat, unsigned rgb, double share, const std::string& after, const At& at = At::current());
// Waits until nothing but one window of this title is left.
void wait_one_window(const Seat& seat, const std::string& title, const std::string& after,
                     const At& at = At::current());
void keep_screen(const Seat& seat, const std::string& name);
// What a shell inside says.
std::string inside(const Seat& seat, const std::string& script, const char* user = "root");

// What the stage's page server was posted at this path: how often, and the last.
size_t posts(const Seat& seat, const std::string& path);
std::string last_post(const Seat& seat, const std::string& path);
// A page that tells: its loads (/load: the title), keys (/key), clicks (/click: the text clicked on), what is typed into the field at
// its top (/typed). Links, buttons and fields in `more` are 30 pixels high, one below the other, from y = 30 on.
Page telling_page(const std::string& title, const std::string& rgb, const std::string& more);
// Waits until the page tells of the key or click: so it is in front, and nothing has taken its keys. (Keys may overtake a click on
// its way through the browser.)
void press_seen(const Seat& seat, const std::string& keys, const std::string& after, const At& at = At::current());
void click_seen(const Seat& seat, int x, int y, const At& at = At::current());

#endif
