// The session's health probe: noVNC answers on port 6080 and the application's window is on the screen and painted.
//
// Exit 0 is healthy, 1 is not (one line on stdout says why). Until the session has been healthy once a probe waits inside
// for it, so that the engine hears of it at that very moment; after that a probe sleeps a minute before it looks.
//
// An application that is to keep people in its page (file app-shuts) has said that it does (file app-shut), or nobody gets to see it.
//
// What counts as painted:
//  - An application that reports (file app-reports; our Firefox does) has said so (file app-painted), and its window covers the screen.
//    It reports when the compositor has put a frame of the loaded page on the window, so a white page needs no guess. Where the
//    picture is of one colour only, it must stay so for a moment: the frame could still be on its way through the X server.
//  - Of any other application: its window shows more than one colour, or has shown one only for PLAIN_OTHER_MS.
//  - Whatever the application says or shows, PAINT_LIMIT_MS after its window was first seen: the browser works, its page's server
//    does not answer, and the person in front of it must get to see that.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xcb/xcb.h>

#include <memory>
#include <string>

static const char RUN_DIR[] = "/run/session";
static const uint16_t WEB_PORT = 6080;
static const int64_t FIRST_WAIT_MS = 55'000;  // below the engine's timeout of 90 s
static const int64_t SLEEP_MS = 60'000;
static const int64_t RECOVERY_WAIT_MS = 25'000;  // a part that has ended is back within seconds; a page's server may never be
static const int64_t LOOK_EVERY_MS = 50;
static const int64_t PLAIN_REPORTED_MS = 300;
static const int64_t PLAIN_OTHER_MS = 5'000;
static const int64_t PAINT_LIMIT_MS = 20'000;
// Else a session whose page's server hangs would be healthy at first, and ill at the next look.
static_assert(RECOVERY_WAIT_MS > PAINT_LIMIT_MS && SLEEP_MS + RECOVERY_WAIT_MS < 90'000);

struct FreeDeleter {
  void operator()(void* memory) const { free(memory); }
};
struct XcbDeleter {
  void operator()(xcb_connection_t* connection) const { xcb_disconnect(connection); }
};
template <typename T>
using Reply = std::unique_ptr<T, FreeDeleter>;
using Display = std::unique_ptr<xcb_connection_t, XcbDeleter>;

// The application's window as far as it is on the screen.
struct Window {
  bool found;
  int x, y, width, height;
  bool covers_screen;
};

enum class Picture { UNKNOWN, PLAIN, VARIED };

static int64_t now_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

static void sleep_ms(int64_t ms) {
  timespec pause = {ms / 1000, ms % 1000 * 1'000'000};
  while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
  }
}

static std::string run_path(const char* name) { return std::string(RUN_DIR) + "/" + name; }

static bool run_file_exists(const char* name) { return access(run_path(name).c_str(), F_OK) == 0; }

static void run_file_make(const char* name) {
  const int fd = open(run_path(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

// The engine starts probes as the image's user, root; everything here works as the session's own.
static bool drop_root() {
  if (geteuid() != 0) return true;
  const passwd* user = getpwnam("session");
  return user && setgroups(0, nullptr) == 0 && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0;
}

// True when the start of the answer to GET / is HTTP's 200.
static bool web_answers() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const timeval limit = {3, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(WEB_PORT);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool good = false;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    static const char request[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char answer[4096];
    size_t have = 0;
    ssize_t got = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    // Read to the end: a web server that is hung up on complains in the container's log.
    while (got > 0) {
      got = recv(fd, answer + (have < 12 ? have : 12), sizeof answer - 12, 0);
      if (got > 0) have += static_cast<size_t>(got);
    }
    good = have >= 12 && memcmp(answer, "HTTP/1.", 7) == 0 && memcmp(answer + 8, " 200", 4) == 0;
  }
  close(fd);
  return good;
}

static xcb_atom_t atom_of(xcb_connection_t* x, const char* name) {
  const auto cookie = xcb_intern_atom(x, 1, static_cast<uint16_t>(strlen(name)), name);
  const Reply<xcb_intern_atom_reply_t> reply(xcb_intern_atom_reply(x, cookie, nullptr));
  return reply ? reply->atom : static_cast<xcb_atom_t>(XCB_ATOM_NONE);
}

// One window's place on the screen; found is false unless it is mapped with all its parents.
static Window window_place(xcb_connection_t* x, const xcb_screen_t* screen, xcb_window_t id) {
  Window window = {};
  const auto attributes_cookie = xcb_get_window_attributes(x, id);
  const auto geometry_cookie = xcb_get_geometry(x, id);
  const auto place_cookie = xcb_translate_coordinates(x, id, screen->root, 0, 0);
  const Reply<xcb_get_window_attributes_reply_t> attributes(
      xcb_get_window_attributes_reply(x, attributes_cookie, nullptr));
  const Reply<xcb_get_geometry_reply_t> geometry(xcb_get_geometry_reply(x, geometry_cookie, nullptr));
  const Reply<xcb_translate_coordinates_reply_t> place(xcb_translate_coordinates_reply(x, place_cookie, nullptr));
  if (!attributes || !geometry || !place || attributes->map_state != XCB_MAP_STATE_VIEWABLE) return window;
  const int left = place->dst_x < 0 ? 0 : place->dst_x;
  const int top = place->dst_y < 0 ? 0 : place->dst_y;
  const int right = place->dst_x + geometry->width, bottom = place->dst_y + geometry->height;
  window.x = left;
  window.y = top;
  window.width = (right < screen->width_in_pixels ? right : screen->width_in_pixels) - left;
  window.height = (bottom < screen->height_in_pixels ? bottom : screen->height_in_pixels) - top;
  window.found = window.width > 1 && window.height > 1;
  window.covers_screen = window.width == screen->width_in_pixels && window.height == screen->height_in_pixels;
  return window;
}

// The largest of the windows that the window manager manages: splash screens and tooltips are not among them.
static Window window_largest(xcb_connection_t* x, const xcb_screen_t* screen) {
  Window largest = {};
  const xcb_atom_t list = atom_of(x, "_NET_CLIENT_LIST");
  if (list == XCB_ATOM_NONE) return largest;
  const auto cookie = xcb_get_property(x, 0, screen->root, list, XCB_ATOM_WINDOW, 0, 256);
  const Reply<xcb_get_property_reply_t> reply(xcb_get_property_reply(x, cookie, nullptr));
  if (!reply || reply->format != 32) return largest;
  const auto* ids = static_cast<const xcb_window_t*>(xcb_get_property_value(reply.get()));
  for (int i = 0; i < xcb_get_property_value_length(reply.get()) / 4; i++) {
    const Window window = window_place(x, screen, ids[i]);
    if (window.found &&
        static_cast<int64_t>(window.width) * window.height > static_cast<int64_t>(largest.width) * largest.height)
      largest = window;
  }
  return largest;
}

// Reads the screen where the window is: what a viewer sees, not what the window would like to show.
static Picture picture_of(xcb_connection_t* x, const xcb_screen_t* screen, const Window& window) {
  const auto cookie = xcb_get_image(x, XCB_IMAGE_FORMAT_Z_PIXMAP, screen->root, static_cast<int16_t>(window.x),
                                    static_cast<int16_t>(window.y), static_cast<uint16_t>(window.width),
                                    static_cast<uint16_t>(window.height), ~0U);
  const Reply<xcb_get_image_reply_t> reply(xcb_get_image_reply(x, cookie, nullptr));
  if (!reply) return Picture::UNKNOWN;
  const auto* pixels = reinterpret_cast<const uint32_t*>(xcb_get_image_data(reply.get()));
  const int count = xcb_get_image_data_length(reply.get()) / 4;
  for (int i = 1; i < count; i++)
    if (((pixels[i] ^ pixels[0]) & 0xffffffU) != 0) return Picture::VARIED;
  return count > 0 ? Picture::PLAIN : Picture::UNKNOWN;
}

// What one probe remembers from look to look. Times are CLOCK_MONOTONIC milliseconds, 0 means not yet.
struct Watch {
  Display display;
  int64_t window_since_ms;
  int64_t plain_since_ms;
};

// One look at the session; null when it is healthy, else the reason why it is not.
static const char* session_look(Watch* watch) {
  if (!watch->display || xcb_connection_has_error(watch->display.get())) {
    watch->window_since_ms = watch->plain_since_ms = 0;
    watch->display.reset(xcb_connect(":0", nullptr));
    if (xcb_connection_has_error(watch->display.get())) return "the X server does not answer";
  }
  if (run_file_exists("app-shuts") && !run_file_exists("app-shut"))
    return "the browser does not say that it keeps people in the page";
  xcb_connection_t* x = watch->display.get();
  const xcb_screen_t* screen = xcb_setup_roots_iterator(xcb_get_setup(x)).data;
  const Window window = window_largest(x, screen);
  if (!window.found) {
    watch->window_since_ms = watch->plain_since_ms = 0;
    return "no window of the application is on the screen";
  }
  const int64_t now = now_ms();
  if (watch->window_since_ms == 0) watch->window_since_ms = now;
  const bool reports = run_file_exists("app-reports");
  const bool too_long = now - watch->window_since_ms >= PAINT_LIMIT_MS;
  if (!too_long && reports) {
    if (!window.covers_screen) return "the application's window does not fill the screen yet";
    if (!run_file_exists("app-painted")) return "the application has not painted its page yet";
  }
  if (!too_long) {
    const Picture picture = picture_of(x, screen, window);
    if (picture == Picture::UNKNOWN) return "the screen cannot be read";
    if (picture == Picture::VARIED) {
      watch->plain_since_ms = 0;
    } else {
      if (watch->plain_since_ms == 0) watch->plain_since_ms = now;
      if (now - watch->plain_since_ms < (reports ? PLAIN_REPORTED_MS : PLAIN_OTHER_MS))
        return "the window shows a single colour";
    }
  }
  return web_answers() ? nullptr : "noVNC does not answer on port 6080";
}

int main() {
  if (!drop_root()) {
    printf("cannot become the session's user: %s\n", strerror(errno));
    return 1;
  }
  const bool was_healthy = run_file_exists("healthy");
  if (was_healthy) sleep_ms(SLEEP_MS);
  Watch watch = {};
  const int64_t end = now_ms() + (was_healthy || run_file_exists("was-healthy") ? RECOVERY_WAIT_MS : FIRST_WAIT_MS);
  for (;;) {
    const char* reason = session_look(&watch);
    if (!reason) {
      run_file_make("healthy");
      run_file_make("was-healthy");
      printf("painted; noVNC answers\n");
      return 0;
    }
    if (now_ms() >= end) {
      unlink(run_path("healthy").c_str());
      printf("%s\n", reason);
      return 1;
    }
    sleep_ms(LOOK_EVERY_MS);
  }
}
