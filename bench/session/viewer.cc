// What the person in front of the browser feels: how soon there is a picture, how soon a key shows, how a page scrolls.
#include <unistd.h>

#include <random>

#include "bench/session/rig.h"
#include "bench/session/rows.h"

namespace {

struct Both {
  Box stock, ours;
};

Both both_run(Stage* stage, const Page& page, unsigned rgb) {
  page_server_set(stage->pages.get(), "/", page);
  Both both = {bench_run(stage, Kind::Stock, "stock", "/", rgb), bench_run(stage, Kind::Ours, "ours", "/", rgb)};
  sleep(10);  // Firefox has work of its own for a while after its start
  return both;
}

const Box& box_of(const Both& both, Kind kind) { return kind == Kind::Stock ? both.stock : both.ours; }

}  // namespace

void connect_viewer(void** state) {
  Stage* stage = stage_of(state);
  Both both = both_run(stage, page_of_color(kBlue), kBlue);
  Row row = {
      .name = "fresh browser: page to first frame", .unit = "ms", .digits = 0, .aim = Aim::RatioAtMost, .limit = 0.6};
  row_wait_for_quiet(&row);
  for (int round = -1; round < bench_rounds(); round++) {
    for (Kind kind : kinds_of_round(round)) {
      BrowserPtr browser = viewer_open();
      double ms = viewer_go(browser.get(), viewer_url(kind, box_of(both, kind)), kBlue);
      if (round >= 0) samples_of(&row, kind)->push_back(ms);
    }
  }
  row_done(row);
}

namespace {

constexpr int kKeys = 40;  // a round

// A field that is typed into, at the bottom, where no bar that stock Firefox opens moves it; each press turns its colour, which is what is waited for, above the letters.
Page typing_page() {
  Page page;
  page.body =
      "<!doctype html><meta charset=utf-8><title>typing</title><style>html{background:#1e90ff}body{margin:0}"
      "input{position:fixed;left:0;bottom:60px;width:300px;height:40px;border:0;outline:0;font:20px "
      "sans-serif;background:#ffffff}</style>"
      // A repetition is none of ours: on a busy machine a release may come late.
      "<input autofocus onkeydown=\"if (event.repeat) return; const style = this.style;"
      "style.background = style.background ? '' : '#ffd060'\">";
  return page;
}

// Milliseconds from the key's arrival in the viewer's page to the frame that shows the field's other colour.
std::vector<double> keys_measure(Browser* browser, std::mt19937* random) {
  browser_script(
      browser,
      "watch.times = []; let since = 0, last = null;"
      "const dark = (context) => watch.at(context, 290, context.canvas.height - 98)[2] < 180;"
      "addEventListener('keydown', (event) => { since = event.timeStamp; }, true);"
      "watch.onDraw = (context) => {"
      "  const now = dark(context);"
      "  if (last !== null && now !== last && since) { watch.times.push(performance.now() - since); since = 0; }"
      "  last = now;"
      "};");
  std::vector<double> out;
  // The first makes sure that `last` is known; it is not counted.
  for (int key = 0; key <= kKeys; key++) {
    if (key > 0) browser_script(browser, "watch.times = []");
    browser_type(browser, "a");
    if (key == 0) {
      sleep(1);
      continue;
    }
    bool seen = wait_until(10, [&] { return browser_number(browser, "return String(watch.times.length)") > 0; });
    if (!seen) keep("bench-no-key", browser_screenshot(browser));
    check_at(seen, "a key shows nothing at " + browser_url(browser) + ", see tests/out/image/bench-no-key.png");
    out.push_back(browser_number(browser, "return String(watch.times[0])"));
    // Not in step with any clock of the X server's or the browser's.
    usleep(static_cast<useconds_t>(std::uniform_int_distribution<int>(60000, 160000)(*random)));
  }
  return out;
}

}  // namespace

void keystroke(void** state) {
  Stage* stage = stage_of(state);
  Both both = both_run(stage, typing_page(), kBlue);
  Row median = {.name = "keystroke to pixel, median", .unit = "ms", .digits = 1, .aim = Aim::RatioAtMost, .limit = 1};
  Row p95 = {.name = "keystroke to pixel, p95", .unit = "ms", .digits = 1, .aim = Aim::RatioAtMost, .limit = 1};
  row_wait_for_quiet(&median);
  p95.busy = median.busy;
  std::mt19937 random(1);
  for (int round = 0; round < bench_rounds(); round++) {
    for (Kind kind : kinds_of_round(round)) {
      BrowserPtr browser = viewer_open();
      viewer_go(browser.get(), viewer_url(kind, box_of(both, kind)), kBlue);
      std::vector<double> ms = keys_measure(browser.get(), &random);
      samples_of(&median, kind)->push_back(samples_median(ms));
      samples_of(&p95, kind)->push_back(samples_quantile(ms, 0.95));
    }
  }
  row_done(median);
  row_done(p95);
}

namespace {

constexpr int kNotches = 100;
constexpr int kNotchMs = 50;  // a person who turns the wheel fast

// As long and as dull as the pages of an office: paragraphs, tables, a picture now and then, a plain place in the middle of its top.
Page long_page() {
  Page page;
  page.body =
      "<!doctype html><meta charset=utf-8><title>long</title><style>html{background:#fff;font:15px/1.4 "
      "sans-serif}body{margin:0 8px}"
      "header{height:900px;margin:0 -8px;background:#1e90ff}td{border:1px solid #aab;padding:3px "
      "8px}tr:nth-child(odd){background:#eef}"
      "figure{margin:8px 0;height:180px;background:conic-gradient(from 30deg,#c33,#dc6,#3a5,#39c,#75b,#c33)}</style>"
      "<header></header><script>"
      "const words = 'paciente consulta exame guia unidade retorno médico horário confirmado pendente São José área "
      "convênio'.split(' ');"
      "let seed = 7; const next = (n) => (seed = seed * 16807 % 2147483647) % n;"
      "const text = (n) => Array.from({ length: n }, () => words[next(words.length)]).join(' ');"
      "let html = '';"
      "for (let part = 0; part < 60; part++) {"
      "  html += `<h2>${part}. ${text(3)}</h2><p>${text(60)}<p>${text(40)}<table>`;"
      "  for (let row = 0; row < 12; row++) html += `<tr><td>${next(9999)}<td>${text(2)}<td>${next(28) + "
      "1}/07<td>${text(1)}`;"
      "  html += '</table>' + (part % 3 ? '' : '<figure></figure>');"
      "}"
      "document.write(html)</script>";
  return page;
}

struct Scrolling {
  double frames = 0;  // a second
  double bytes = 0;
};

// A frame is an update after which more than a fiftieth of one column of pixels is another than before.
Scrolling scroll_measure(Browser* browser) {
  browser_script(browser,
                 "watch.frames = []; let last = null;"
                 "watch.onDraw = (context) => {"
                 "  const now = context.getImageData(60, 0, 1, context.canvas.height).data;"
                 "  let changed = 0;"
                 "  for (let i = 0; last && i < now.length; i += 4) changed += Math.abs(now[i] - last[i]) > 40;"
                 "  if (changed * 50 > context.canvas.height) watch.frames.push(performance.now());"
                 "  last = now;"
                 "};");
  browser_wheel(browser, 200, 400, 100, 1, 0);  // what a first notch finds out is not counted
  sleep(2);
  browser_script(browser, "watch.frames = []; watch.bytes = 0");
  browser_wheel(browser, 200, 400, 100, kNotches, kNotchMs);
  sleep(2);  // what is repaired afterwards counts as bytes, too
  Scrolling out;
  double frames = browser_number(browser, "return String(watch.frames.length)");
  double ms = browser_number(browser, "return String(watch.frames.at(-1) - watch.frames[0])");
  check_at(frames > 10 && ms > 1000, "the page does not scroll: " + std::to_string(frames) + " frames");
  out.frames = (frames - 1) / ms * 1000;
  out.bytes = browser_number(browser, "return String(watch.bytes)");
  return out;
}

}  // namespace

void scroll(void** state) {
  Stage* stage = stage_of(state);
  Row frames = {.name = "scrolling: frames a second", .unit = "1/s", .digits = 1, .aim = Aim::RatioAtLeast, .limit = 1};
  Row bytes = {
      .name = "scrolling: bytes to the viewer", .unit = "MB", .digits = 2, .aim = Aim::RatioAtMost, .limit = 0.7};
  row_wait_for_quiet(&frames);
  bytes.busy = frames.busy;
  for (int round = 0; round < bench_rounds(); round++) {
    // New containers: the page begins at its top.
    Both both = both_run(stage, long_page(), kBlue);
    for (Kind kind : kinds_of_round(round)) {
      BrowserPtr browser = viewer_open();
      viewer_go(browser.get(), viewer_url(kind, box_of(both, kind)), kBlue);
      Scrolling seen = scroll_measure(browser.get());
      samples_of(&frames, kind)->push_back(seen.frames);
      samples_of(&bytes, kind)->push_back(seen.bytes / 1e6);
    }
    box_remove(both.stock);
    box_remove(both.ours);
  }
  row_done(frames);
  row_done(bytes);
}
