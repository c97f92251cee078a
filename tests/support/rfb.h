// A tiny VNC client: what the X server shows at this moment, without a browser in between, and key presses as of a real keyboard.
#ifndef SUPPORT_RFB_H
#define SUPPORT_RFB_H

#include <memory>
#include <string>

#include "support/png.h"

struct Rfb {
  int fd = -1;
  int width = 0;
  int height = 0;
  bool asked_again = false;  // so that a frame more may come
  std::string cut_text;  // the server's clipboard as it last told of it (Latin-1); frames are when it is heard
};
struct RfbDeleter {
  void operator()(Rfb* rfb) const;
};
using RfbPtr = std::unique_ptr<Rfb, RfbDeleter>;

// Connects (RFB 3.8, no password, shared) to an IPv4 address. nullptr when nothing that speaks RFB answers there.
RfbPtr rfb_connect(const std::string& address, int port);
// The whole screen as it is now. False when the connection broke.
bool rfb_frame(Rfb* rfb, Picture* out);

// What a hand does, sent to a server that takes key codes (Xtigervnc -RawKeyboard=1). False when the connection broke.
// `code` is the key's place: its XT scan code, with 0x80 added where the hardware says E0 first.
bool rfb_key(Rfb* rfb, int code, bool down);
// Moves the pointer there with these buttons held: 1 left, 2 middle, 4 right, 8 and 16 the wheel's up and down.
bool rfb_pointer(Rfb* rfb, int x, int y, int buttons);
// The clipboard as the client has it, Latin-1.
bool rfb_cut_text(Rfb* rfb, const std::string& text);

// Presses keys together, one after the other, and releases them the other way round: "Ctrl+Shift+N", "F11", "Alt", "a". A name
// that is none is a mistake in the test, which ends it. False when the connection broke, here and below.
bool rfb_press(Rfb* rfb, const std::string& keys);
bool rfb_hold(Rfb* rfb, const std::string& key, bool down);  // one key, held until it is let go
bool rfb_type(Rfb* rfb, const std::string& ascii);  // one key after the other; "\n" is Return
bool rfb_click(Rfb* rfb, int x, int y, int button = 1);

#endif
