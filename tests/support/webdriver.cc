// WebDriver by hand: one call a function, https://www.w3.org/TR/webdriver2/.
#include "support/webdriver.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <vector>

#include "support/http_client.h"
#include "support/suite.h"

namespace {

constexpr int kDriverPort = kQuietLast;  // inside the browser's own network

std::string dump(const json_t* json) {
  std::unique_ptr<char, decltype(&free)> text(json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY), free);
  return text ? text.get() : "";
}

// The answer's "value", owned by the caller.
JsonPtr call(const std::string& method, const std::string& url, JsonPtr body) {
  HttpCall http;
  http.method = method;
  http.url = url;
  if (body) http.body = dump(body.get());
  HttpReply reply = http_call(http);
  JsonPtr answer = json_from(reply.body);
  check_at(reply.status == 200 && answer,
           method + " " + url + ": " + std::to_string(reply.status) + " " + reply.error + reply.body.substr(0, 2000));
  return JsonPtr(json_incref(json_object_get(answer.get(), "value")));
}

// `key_hash`: see browser_open_trusting; empty: every certificate.
JsonPtr capabilities(const std::string& folder, int width, int height, const std::string& key_hash) {
  JsonPtr args(json_array());
  const std::array<std::string, 11> flags = {"--headless",
                                             "--no-sandbox",
                                             "--disable-gpu",
                                             "--disable-quic",
                                             "--no-first-run",
                                             "--disable-background-networking",
                                             "--disable-component-update",
                                             "--disable-sync",
                                             "--disable-dev-shm-usage",
                                             "--hide-scrollbars",
                                             "--force-device-scale-factor=1"};
  for (const std::string& flag : flags) json_array_append_new(args.get(), json_string(flag.c_str()));
  json_array_append_new(args.get(), json_string(("--user-data-dir=" + folder + "/profile").c_str()));
  json_array_append_new(args.get(),
                        json_string(("--window-size=" + std::to_string(width) + "," + std::to_string(height)).c_str()));
  if (!key_hash.empty())
    json_array_append_new(args.get(), json_string(("--ignore-certificate-errors-spki-list=" + key_hash).c_str()));
  // Its own page for a new tab waits for the network to answer, which is 13 s in one that leads nowhere.
  const int given_pages = 4;
  JsonPtr prefs(json_pack("{s:i, s:[s]}", "session.restore_on_startup", given_pages, "session.startup_urls", "about:blank"));
  return JsonPtr(json_pack("{s:{s:{s:b, s:{s:O, s:s, s:O}}}}", "capabilities", "alwaysMatch", "acceptInsecureCerts",
                           key_hash.empty() ? 1 : 0, "goog:chromeOptions", "args", args.get(), "binary",
                           "/usr/bin/chromium", "prefs", prefs.get()));
}

std::string base64_decode(const std::string& text) {
  std::string out;
  unsigned bits = 0;
  int have = 0;
  for (char c : text) {
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+') value = 62;
    if (c == '/') value = 63;
    if (value < 0) continue;
    bits = bits << 6 | static_cast<unsigned>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 0xff);
  }
  return out;
}

// The next UTF-8 character of the text, from *at on.
std::string next_character(const std::string& text, size_t* at) {
  size_t end = *at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
  std::string character = text.substr(*at, end - *at);
  *at = end;
  return character;
}

void perform(Browser* browser, const char* type, const char* id, JsonPtr actions) {
  call("POST", browser->session + "/actions",
       JsonPtr(json_pack("{s:[{s:s, s:s, s:O}]}", "actions", "type", type, "id", id, "actions", actions.get())));
}

BrowserPtr open_browser(int width, int height, const std::string& key_hash) {
  BrowserPtr browser(new Browser);
  char folder[] = "/tmp/vnc-browser-XXXXXX";
  check_at(mkdtemp(folder) != nullptr, "no temporary folder for the browser");
  browser->folder = folder;
  browser->net = quiet_net_open();
  std::string address = "http://127.0.0.1:" + std::to_string(quiet_net_door(browser->net.get(), kDriverPort));
  // What both keep for a while goes into the folder, too: Chromium leaves some of it behind in /tmp.
  browser->driver = quiet_net_start(
      browser->net.get(), {"env", "TMPDIR=" + browser->folder, "chromedriver", "--port=" + std::to_string(kDriverPort)},
      browser->folder + "/chromedriver.log");
  check_at(browser->driver != nullptr, "chromedriver cannot be started");
  bool answers = wait_until(20, [&] {
    HttpCall status;
    status.url = address + "/status";
    return !proc_runs(browser->driver.get()) || http_call(status).status == 200;
  });
  check_at(answers && proc_runs(browser->driver.get()),
           "chromedriver does not start: " + file_text(browser->folder + "/chromedriver.log"));
  JsonPtr made = call("POST", address + "/session", capabilities(browser->folder, width, height, key_hash));
  browser->session = address + "/session/" + json_text(made.get(), "sessionId");
  browser_resize(browser.get(), width, height);
  return browser;
}

}  // namespace

BrowserPtr browser_open(int width, int height) { return open_browser(width, height, ""); }

BrowserPtr browser_open_trusting(int width, int height, const std::string& key_hash) {
  return open_browser(width, height, key_hash);
}

void browser_resize(Browser* browser, int width, int height) {
  auto side = [&](const char* name) {
    return atoi(browser_script(browser, std::string("return String(") + name + ")").c_str());
  };
  // Headless or not, a window has edges: what counts is its inside.
  int edge_x = side("outerWidth") - side("innerWidth");
  int edge_y = side("outerHeight") - side("innerHeight");
  call("POST", browser->session + "/window/rect",
       JsonPtr(json_pack("{s:i, s:i}", "width", width + edge_x, "height", height + edge_y)));
}

void browser_devtools(Browser* browser, const std::string& command, const std::string& parameters) {
  JsonPtr params = json_from(parameters);
  check_at(params != nullptr, "no JSON: " + parameters);
  call("POST", browser->session + "/goog/cdp/execute",
       JsonPtr(json_pack("{s:s, s:O}", "cmd", command.c_str(), "params", params.get())));
}

void browser_go(Browser* browser, const std::string& url) {
  call("POST", browser->session + "/url", JsonPtr(json_pack("{s:s}", "url", url.c_str())));
}

std::string browser_url(Browser* browser) {
  JsonPtr value = call("GET", browser->session + "/url", nullptr);
  const char* text = json_string_value(value.get());
  return text == nullptr ? "" : text;
}

std::string browser_script(Browser* browser, const std::string& body) {
  JsonPtr value = call("POST", browser->session + "/execute/sync",
                       JsonPtr(json_pack("{s:s, s:[]}", "script", body.c_str(), "args")));
  if (!value || json_is_null(value.get())) return "";
  return json_is_string(value.get()) ? json_string_value(value.get()) : dump(value.get());
}

Picture browser_screenshot(Browser* browser) {
  JsonPtr value = call("GET", browser->session + "/screenshot", nullptr);
  const char* text = json_string_value(value.get());
  Picture picture;
  check_at(text != nullptr && png_decode(base64_decode(text), &picture), "the browser's screenshot is no PNG");
  return picture;
}

void browser_click(Browser* browser, int x, int y) {
  JsonPtr actions(json_pack("[{s:s, s:i, s:i, s:i}, {s:s, s:i}, {s:s, s:i}]", "type", "pointerMove", "x", x, "y", y,
                            "duration", 0, "type", "pointerDown", "button", 0, "type", "pointerUp", "button", 0));
  perform(browser, "pointer", "mouse", std::move(actions));
}

void browser_type(Browser* browser, const std::string& text) {
  JsonPtr actions(json_array());
  for (size_t at = 0; at < text.size();) {
    std::string key = next_character(text, &at);
    json_array_append_new(actions.get(), json_pack("{s:s, s:s}", "type", "keyDown", "value", key.c_str()));
    json_array_append_new(actions.get(), json_pack("{s:s, s:s}", "type", "keyUp", "value", key.c_str()));
  }
  perform(browser, "key", "keyboard", std::move(actions));
}

void browser_wheel(Browser* browser, int x, int y, int delta, int times, int pause_ms) {
  JsonPtr actions(json_array());
  for (int notch = 0; notch < times; notch++) {
    json_array_append_new(actions.get(), json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "type", "scroll", "x", x, "y", y,
                                                   "deltaX", 0, "deltaY", delta, "duration", 0));
    json_array_append_new(actions.get(), json_pack("{s:s, s:i}", "type", "pause", "duration", pause_ms));
  }
  perform(browser, "wheel", "wheel", std::move(actions));
}

void browser_at_each_load(Browser* browser, const std::string& script) {
  // Chromedriver's own extension of WebDriver: a command of the DevTools protocol.
  call("POST", browser->session + "/goog/cdp/execute",
       JsonPtr(json_pack("{s:s, s:{s:s}}", "cmd", "Page.addScriptToEvaluateOnNewDocument", "params", "source",
                         script.c_str())));
}

void BrowserDeleter::operator()(Browser* browser) const {
  if (browser->net) quiet_net_signal(browser->net.get(), SIGCONT);  // a test may have stopped it
  if (!browser->session.empty()) {
    HttpCall quit;
    quit.method = "DELETE";
    quit.url = browser->session;
    quit.timeout_ms = 10000;
    http_call(quit);
  }
  browser->driver.reset();
  browser->net.reset();
  std::error_code ignored;
  if (!browser->folder.empty()) std::filesystem::remove_all(browser->folder, ignored);
  delete browser;
}
