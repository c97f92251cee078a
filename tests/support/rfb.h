// A tiny VNC client: what the X server shows at this moment, without a browser in between.
#ifndef SUPPORT_RFB_H
#define SUPPORT_RFB_H

#include <memory>
#include <string>

#include "support/png.h"

struct Rfb {
  int fd = -1;
  int width = 0;
  int height = 0;
};
struct RfbDeleter {
  void operator()(Rfb* rfb) const;
};
using RfbPtr = std::unique_ptr<Rfb, RfbDeleter>;

// Connects (RFB 3.8, no password, shared) to an IPv4 address. nullptr when nothing that speaks RFB answers there.
RfbPtr rfb_connect(const std::string& address, int port);
// The whole screen as it is now. False when the connection broke.
bool rfb_frame(Rfb* rfb, Picture* out);

#endif
