// Who looks at a session: a new browser that tells when the picture was there.
#ifndef BENCH_SUPPORT_VIEWER_H
#define BENCH_SUPPORT_VIEWER_H

#include <string>

#include "support/webdriver.h"

// A new browser with an empty profile that has been told to watch what it draws and receives (see viewer.cc).
BrowserPtr viewer_open();
struct FirstFrame {
  double page_ms = 0;   // since the start of the page's own navigation
  double order_ms = 0;  // since the browser was told where to go, redirects and their waits included
};
// Goes there and waits for the colour near the lower left corner of the picture.
FirstFrame viewer_show(Browser* browser, const std::string& url, unsigned rgb);
double browser_number(Browser* browser, const std::string& body);

#endif
