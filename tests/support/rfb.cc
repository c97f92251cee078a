// RFB 3.8 (RFC 6143), as little of it as one full raw frame needs.
#include "support/rfb.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

bool get(int fd, void* out, size_t size) { return recv(fd, out, size, MSG_WAITALL) == static_cast<ssize_t>(size); }

bool put(int fd, const void* bytes, size_t size) {
  return send(fd, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

bool skip(int fd, size_t size) {
  std::string rest(size, 0);
  return size == 0 || get(fd, rest.data(), size);
}

uint32_t get_u32(const uint8_t* at) {
  return static_cast<uint32_t>(at[0]) << 24 | static_cast<uint32_t>(at[1]) << 16 | static_cast<uint32_t>(at[2]) << 8 |
         at[3];
}
int get_u16(const uint8_t* at) { return at[0] << 8 | at[1]; }

bool handshake(Rfb* rfb) {
  uint8_t buffer[256];
  if (!get(rfb->fd, buffer, 12) || memcmp(buffer, "RFB 003.", 8) != 0) return false;
  if (!put(rfb->fd, "RFB 003.008\n", 12)) return false;
  if (!get(rfb->fd, buffer, 1) || buffer[0] == 0 || !skip(rfb->fd, buffer[0])) return false;
  const uint8_t no_password = 1, shared = 1;
  if (!put(rfb->fd, &no_password, 1) || !get(rfb->fd, buffer, 4) || get_u32(buffer) != 0) return false;
  if (!put(rfb->fd, &shared, 1) || !get(rfb->fd, buffer, 24)) return false;
  rfb->width = get_u16(buffer);
  rfb->height = get_u16(buffer + 2);
  if (!skip(rfb->fd, get_u32(buffer + 20))) return false;
  // Pixels of 32 bits, 0x00RRGGBB, little-endian; raw encoding.
  const uint8_t format[20] = {0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
  const uint8_t encodings[12] = {2, 0, 0,    2,    0,    0,
                                 0, 0, 0xff, 0xff, 0xfe, 0xfe};  // the second: QEMU's key events, -258
  return put(rfb->fd, format, sizeof format) && put(rfb->fd, encodings, sizeof encodings);
}

constexpr uint32_t kNotYet = 0xff000000;  // no pixel has this value

// One rectangle of raw pixels into its place.
bool take_rectangle(Rfb* rfb, Picture* picture) {
  uint8_t head[12];
  if (!get(rfb->fd, head, sizeof head)) return false;
  if (get_u32(head + 8) == 0xfffffefe) return true;  // key codes are welcome; no pixels
  if (get_u32(head + 8) != 0) return false;
  int left = get_u16(head), top = get_u16(head + 2), width = get_u16(head + 4), height = get_u16(head + 6);
  if (left + width > picture->width || top + height > picture->height) return false;
  std::vector<uint8_t> row(static_cast<size_t>(width) * 4);
  for (int y = 0; y < height; ++y) {
    if (!get(rfb->fd, row.data(), row.size())) return false;
    size_t at = static_cast<size_t>(top + y) * static_cast<size_t>(picture->width) + static_cast<size_t>(left);
    for (size_t x = 0; x < static_cast<size_t>(width); ++x) {
      const uint8_t* pixel = &row[x * 4];
      picture->pixels[at + x] = static_cast<uint32_t>(pixel[2] << 16 | pixel[1] << 8 | pixel[0]);
    }
  }
  return true;
}

}  // namespace

RfbPtr rfb_connect(const std::string& address, int port) {
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return nullptr;
  RfbPtr rfb(new Rfb);
  rfb->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit = {10, 0};
  setsockopt(rfb->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(rfb->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(rfb->fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 || !handshake(rfb.get())) return nullptr;
  return rfb;
}

namespace {

bool ask_for_all(const Rfb* rfb) {
  uint8_t request[10] = {3, 0, 0, 0, 0, 0};
  request[6] = static_cast<uint8_t>(rfb->width >> 8);
  request[7] = static_cast<uint8_t>(rfb->width);
  request[8] = static_cast<uint8_t>(rfb->height >> 8);
  request[9] = static_cast<uint8_t>(rfb->height);
  return put(rfb->fd, request, sizeof request);
}

// The next update, into the picture; what else the server says meanwhile is taken note of.
bool take_update(Rfb* rfb, Picture* picture) {
  for (;;) {
    uint8_t type = 0;
    uint8_t head[7];
    if (!get(rfb->fd, &type, 1)) return false;
    if (type == 2) continue;  // bell
    if (type == 3) {          // clipboard text
      if (!get(rfb->fd, head, 7)) return false;
      rfb->cut_text.assign(get_u32(head + 3), 0);
      if (!rfb->cut_text.empty() && !get(rfb->fd, rfb->cut_text.data(), rfb->cut_text.size())) return false;
      continue;
    }
    if (type != 0 || !get(rfb->fd, head, 3)) return false;
    for (int i = get_u16(head + 1); i > 0; --i) {
      if (!take_rectangle(rfb, picture)) return false;
    }
    return true;
  }
}

}  // namespace

bool rfb_frame(Rfb* rfb, Picture* out) {
  Picture picture;
  picture.width = rfb->width;
  picture.height = rfb->height;
  picture.pixels.assign(static_cast<size_t>(rfb->width) * static_cast<size_t>(rfb->height), kNotYet);
  // What was asked for twice by the last call may still come: it is of then, not of now.
  pollfd more = {rfb->fd, POLLIN, 0};
  while (rfb->asked_again && poll(&more, 1, 200) > 0) {
    if (!take_update(rfb, &picture)) return false;
  }
  rfb->asked_again = false;
  std::fill(picture.pixels.begin(), picture.pixels.end(), kNotYet);
  for (;;) {
    if (!ask_for_all(rfb) || !take_update(rfb, &picture)) return false;
    // An update leaves out what the screen is just about to change, with or without a rectangle, and all of it while a page is
    // being painted: it answers the request all the same, and the rest has to be asked for.
    if (std::find(picture.pixels.begin(), picture.pixels.end(), kNotYet) == picture.pixels.end()) break;
    rfb->asked_again = true;
  }
  *out = std::move(picture);
  return true;
}

bool rfb_key(Rfb* rfb, int code, bool down) {
  uint8_t event[12] = {255, 0, 0, static_cast<uint8_t>(down ? 1 : 0)};  // no symbol: the code says it all
  event[11] = static_cast<uint8_t>(code);
  return put(rfb->fd, event, sizeof event);
}

bool rfb_pointer(Rfb* rfb, int x, int y, int buttons) {
  const uint8_t event[6] = {5,
                            static_cast<uint8_t>(buttons),
                            static_cast<uint8_t>(x >> 8),
                            static_cast<uint8_t>(x),
                            static_cast<uint8_t>(y >> 8),
                            static_cast<uint8_t>(y)};
  return put(rfb->fd, event, sizeof event);
}

bool rfb_cut_text(Rfb* rfb, const std::string& text) {
  const uint8_t head[8] = {6, 0, 0, 0, 0, 0, static_cast<uint8_t>(text.size() >> 8), static_cast<uint8_t>(text.size())};
  return put(rfb->fd, head, sizeof head) && put(rfb->fd, text.data(), text.size());
}

namespace {

struct KeyName {
  const char* name;
  uint32_t keysym;  // X11/keysymdef.h, X11/XF86keysym.h
};
constexpr KeyName kKeyNames[] = {{"Ctrl", 0xffe3},
                                 {"Shift", 0xffe1},
                                 {"Alt", 0xffe9},
                                 {"Super", 0xffeb},
                                 {"Esc", 0xff1b},
                                 {"Tab", 0xff09},
                                 {"Return", 0xff0d},
                                 {"Backspace", 0xff08},
                                 {"Delete", 0xffff},
                                 {"Home", 0xff50},
                                 {"Down", 0xff54},
                                 {"Left", 0xff51},
                                 {"PageUp", 0xff55},
                                 {"PageDown", 0xff56},
                                 {"Menu", 0xff67},
                                 {"Space", 0x20},
                                 {"Plus", '+'},
                                 {"Browser", 0x1008ff2e},
                                 {"Mail", 0x1008ff19},
                                 {"Search", 0x1008ff1b},
                                 {"Favorites", 0x1008ff30},
                                 {"HomePage", 0x1008ff18},
                                 {"Explorer", 0x1008ff5d},
                                 {"Calculator", 0x1008ff1d},
                                 {"Open", 0x1008ff6b},
                                 {"Save", 0x1008ff77}};

uint32_t keysym_of(const std::string& name) {
  if (name.size() == 1) return static_cast<unsigned char>(name[0]);
  if (name[0] == 'F' && name.find_first_not_of("0123456789", 1) == std::string::npos) {
    return 0xffbd + static_cast<uint32_t>(atoi(name.c_str() + 1));
  }
  for (const KeyName& key : kKeyNames) {
    if (name == key.name) return key.keysym;
  }
  fprintf(stderr, "no key is called %s\n", name.c_str());
  abort();
}

bool put_key(Rfb* rfb, uint32_t keysym, bool down) {
  const uint8_t message[8] = {4,
                              down,
                              0,
                              0,
                              static_cast<uint8_t>(keysym >> 24),
                              static_cast<uint8_t>(keysym >> 16),
                              static_cast<uint8_t>(keysym >> 8),
                              static_cast<uint8_t>(keysym)};
  return put(rfb->fd, message, sizeof message);
}

}  // namespace

bool rfb_hold(Rfb* rfb, const std::string& key, bool down) { return put_key(rfb, keysym_of(key), down); }

bool rfb_press(Rfb* rfb, const std::string& keys) {
  std::vector<uint32_t> down;
  for (size_t at = 0; at <= keys.size();) {
    size_t end = std::min(keys.find('+', at), keys.size());
    down.push_back(keysym_of(keys.substr(at, end - at)));
    at = end + 1;
  }
  bool sent = true;
  for (uint32_t keysym : down) sent = put_key(rfb, keysym, true) && sent;
  for (auto keysym = down.rbegin(); keysym != down.rend(); ++keysym) sent = put_key(rfb, *keysym, false) && sent;
  return sent;
}

bool rfb_type(Rfb* rfb, const std::string& ascii) {
  for (char c : ascii) {
    uint32_t keysym = c == '\n' ? keysym_of("Return") : static_cast<unsigned char>(c);
    if (!put_key(rfb, keysym, true) || !put_key(rfb, keysym, false)) return false;
  }
  return true;
}

bool rfb_click(Rfb* rfb, int x, int y, int button) {
  return rfb_pointer(rfb, x, y, 0) && rfb_pointer(rfb, x, y, 1 << (button - 1)) && rfb_pointer(rfb, x, y, 0);
}

void RfbDeleter::operator()(Rfb* rfb) const {
  if (rfb->fd >= 0) close(rfb->fd);
  delete rfb;
}
