// A real browser: headless Chromium, driven through chromedriver by the W3C WebDriver protocol (JSON over HTTP).
#ifndef SUPPORT_WEBDRIVER_H
#define SUPPORT_WEBDRIVER_H

#include <memory>
#include <string>

#include "support/engine_client.h"
#include "support/png.h"
#include "support/proc.h"
#include "support/quiet_net.h"

struct Browser {
  std::string folder;   // profile and log; removed at the end
  std::string session;  // URL of the WebDriver session; empty: none
  QuietNetPtr net;      // both are inside
  ProcPtr driver;
};
struct BrowserDeleter {
  void operator()(Browser* browser) const;  // closes the browser and its driver, removes the folder
};
using BrowserPtr = std::unique_ptr<Browser, BrowserDeleter>;

// Every function below fails the test, with the driver's words, when something goes wrong.
// The window's inside is width x height. Certificates that nobody signed are accepted.
BrowserPtr browser_open(int width, int height);
// Of certificates that nobody signed, this browser accepts one only, as if its user had once said yes to it: the one with this
// public key (SHA-256 of its SubjectPublicKeyInfo, base64).
BrowserPtr browser_open_trusting(int width, int height, const std::string& key_hash);
// Goes to the address and waits for the page's load event; redirects are followed.
void browser_go(Browser* browser, const std::string& url);
std::string browser_url(Browser* browser);
// Runs a function body in the page; what it returns, as text ("" for null; JSON for anything but a string).
std::string browser_script(Browser* browser, const std::string& body);
Picture browser_screenshot(Browser* browser);
// A left click at this place of the window's inside.
void browser_click(Browser* browser, int x, int y);
// Key presses and releases, one after the other, to whatever has the focus. UTF-8; U+E007 is Enter, see WebDriver's table of keys.
void browser_type(Browser* browser, const std::string& text);
// The wheel at this place, `times` notches of `delta` pixels each, one every `pause_ms`.
void browser_wheel(Browser* browser, int x, int y, int delta, int times, int pause_ms);
// A script that every page from now on runs before any of its own.
void browser_at_each_load(Browser* browser, const std::string& script);
// The window's inside becomes this large.
void browser_resize(Browser* browser, int width, int height);
// A command of Chromium's DevTools protocol with its parameters in JSON.
void browser_devtools(Browser* browser, const std::string& command, const std::string& parameters);

#endif
