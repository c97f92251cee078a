// Watches a page of ours, or of stock noVNC, from inside.
#include "bench/support/viewer.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "support/png.h"
#include "support/suite.h"

namespace {

constexpr const char* kNoSession = "tests/out/image/bench-no-session.png";

// Evaluated before any script of a page. It counts what comes through WebSockets, and looks at the picture each time that noVNC
// has put something on it: noVNC draws aside, then copies to the canvas in the page, so that copy is the moment a viewer sees it.
// The place looked at is not the middle, where the X server shows its pointer.
const char* const kWatch = R"js(
(() => {
  const watch = window.watch = { bytes: 0, onDraw: null, paintedAt: 0, color: null };
  const Native = window.WebSocket;
  window.WebSocket = new Proxy(Native, { construct(target, words) {
    const socket = new target(...words);
    socket.addEventListener('message', (event) => { watch.bytes += event.data.byteLength || 0; });
    return socket;
  } });
  const near = (data, rgb) => [16, 8, 0].every((shift, i) => Math.abs(data[i] - (rgb >> shift & 255)) <= 8);
  watch.at = (context, x, y) => context.getImageData(x, y, 1, 1).data;
  watch.near = near;
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...words) {
    draw.apply(this, words);
    if (!this.canvas.isConnected) return;
    if (watch.color !== null && !watch.paintedAt) {
      const { width, height } = this.canvas;
      if (width > 1 && near(watch.at(this, width >> 2, height - 40), watch.color)) watch.paintedAt = performance.now();
    }
    if (watch.onDraw) watch.onDraw(this);
  };
})();
)js";

}  // namespace

BrowserPtr viewer_open() { return browser_open(500, 950); }

double browser_number(Browser* browser, const std::string& body) { return atof(browser_script(browser, body).c_str()); }

static double wall_ms() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) * 1000 + static_cast<double>(now.tv_nsec) / 1e6;
}

FirstFrame viewer_show(Browser* browser, const std::string& url, unsigned rgb) {
  browser_at_each_load(browser, std::string(kWatch) + "watch.color = " + std::to_string(rgb) + ";");
  FirstFrame frame;
  double ordered = 0;
  bool seen = false;
  // Stock noVNC now and then stays at "connecting" for ever; who sits before it loads the page again.
  for (int loads = 0; loads < 3 && !seen; loads++) {
    if (loads > 0) fprintf(stderr, "warning: %s showed no session for 20 s: loaded again\n", url.c_str());
    ordered = wall_ms();
    browser_go(browser, url);
    seen = wait_until(20, [&] { return (frame.page_ms = browser_number(browser, "return String(watch.paintedAt)")) > 0; });
  }
  if (!seen) png_write(kNoSession, browser_screenshot(browser));
  check_at(seen, url + " shows no session, see " + kNoSession);
  frame.order_ms = browser_number(browser, "return String(performance.timeOrigin + watch.paintedAt)") - ordered;
  return frame;
}
