// The desk of a session's user: a screen, a keyboard of a given layout, a mouse and an ordinary browser, used as hands would.
#ifndef SUPPORT_DESK_H
#define SUPPORT_DESK_H

#include <memory>
#include <string>

#include "support/png.h"
#include "support/proc.h"
#include "support/quiet_net.h"
#include "support/rfb.h"

struct Desk {
  std::string folder;   // profiles and logs; removed at the end
  std::string display;  // ":7"
  QuietNetPtr net;      // screen and browser are inside
  ProcPtr screen;       // an X server that takes key codes
  ProcPtr browser;
  RfbPtr hands;
};
struct DeskDeleter {
  void operator()(Desk* desk) const;
};
using DeskPtr = std::unique_ptr<Desk, DeskDeleter>;

enum class DeskBrowser { kChromium, kFirefox };

// Every function below fails the test when something goes wrong.
DeskPtr desk_open(int width, int height);
// The keyboard's layout in XKB's words.
void desk_layout(Desk* desk, const std::string& layout, const std::string& variant);
// Opens the address in a browser with a new profile that fills the screen; one that was open is closed.
void desk_browse(Desk* desk, DeskBrowser kind, const std::string& url);
Picture desk_picture(Desk* desk);
// Presses keys, one after the other. A key is named by what stands at its place on a US keyboard: a q 1 [ ' ; and so on; space,
// enter, back, del, tab, esc, ro (left of the right Shift on ABNT2), f1 to f12. Held with it, in this order: C- A- S- (Ctrl, AltGr, Shift).
void desk_keys(Desk* desk, const std::string& keys);
// Moves the pointer and leaves it with these buttons (see rfb_pointer).
void desk_point(Desk* desk, int x, int y, int buttons);
// Presses and releases one.
void desk_click(Desk* desk, int x, int y, int button = 1);
// The desk's clipboard (UTF-8), as its other programs put and see it. "" when nobody has put anything there.
void desk_clipboard_put(Desk* desk, const std::string& text);
std::string desk_clipboard(Desk* desk);

#endif
