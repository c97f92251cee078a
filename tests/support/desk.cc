// A desk made of Xtigervnc, whose own VNC port brings keys and pointer as hardware would, and of a browser as people start it.
#include "support/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <vector>

#include "support/suite.h"

namespace {

constexpr int kScreenPort = kQuietLast;  // inside the desk's own network

// XT scan codes by row of the keyboard.
const std::map<std::string, int>& key_codes() {
  static const std::map<std::string, int> codes = [] {
    std::map<std::string, int> made = {{"esc", 0x01}, {"back", 0x0e}, {"tab", 0x0f}, {"enter", 0x1c}, {"space", 0x39},
                                       {"ro", 0x73},  {"del", 0xd3},  {"f11", 0x57}, {"f12", 0x58},   {"caps", 0x3a}};
    const std::pair<int, const char*> rows[] = {
        {0x02, "1234567890-="}, {0x10, "qwertyuiop[]"}, {0x1e, "asdfghjkl;'`"}, {0x2b, "\\zxcvbnm,./"}};
    for (const auto& [first, keys] : rows) {
      for (int i = 0; keys[i] != 0; i++) made[std::string(1, keys[i])] = first + i;
    }
    for (int i = 0; i < 10; i++) made["f" + std::to_string(i + 1)] = 0x3b + i;
    const int keypad[10] = {0x52, 0x4f, 0x50, 0x51, 0x4b, 0x4c, 0x4d, 0x47, 0x48, 0x49};
    for (int i = 0; i < 10; i++) made["kp" + std::to_string(i)] = keypad[i];
    made["numlock"] = 0x45;
    return made;
  }();
  return codes;
}

void send_key(Desk* desk, int code, bool down) {
  check_at(rfb_key(desk->hands.get(), code, down), "the desk's screen has gone");
  usleep(4000);  // as of a hand that is ten times as fast as one
}

std::vector<std::string> browser_command(Desk* desk, DeskBrowser kind, const std::string& profile,
                                         const std::string& url) {
  std::vector<std::string> command = {"env",
                                      "DISPLAY=" + desk->display,
                                      "HOME=" + desk->folder,
                                      "LC_ALL=C.UTF-8",
                                      "TMPDIR=" + desk->folder,
                                      "MOZ_CRASHREPORTER_DISABLE=1"};
  if (kind == DeskBrowser::kFirefox) {
    command.insert(command.end(), {"firefox-esr", "--no-remote", "--profile", profile, "--kiosk", url});
  } else {
    command.insert(command.end(),
                   {"chromium", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    "--disable-dev-shm-usage", "--password-store=basic", "--force-device-scale-factor=1",
                    "--ignore-certificate-errors", "--user-data-dir=" + profile, "--window-position=0,0",
                    "--window-size=" + std::to_string(desk->hands->width) + "," + std::to_string(desk->hands->height),
                    "--kiosk", url});
  }
  return command;
}

}  // namespace

DeskPtr desk_open(int width, int height) {
  DeskPtr desk(new Desk);
  char folder[] = "/tmp/vnc-desk-XXXXXX";
  check_at(mkdtemp(folder) != nullptr, "no temporary folder for the desk");
  desk->folder = folder;
  desk->net = quiet_net_open();
  std::string number = desk->folder + "/display";
  desk->screen =
      quiet_net_start(desk->net.get(),
                      {"sh", "-c",
                       "exec Xtigervnc -displayfd 3 -geometry " + std::to_string(width) + "x" + std::to_string(height) +
                           " -depth 24 -rfbport " + std::to_string(kScreenPort) +
                           " -localhost -SecurityTypes None -AlwaysShared -RawKeyboard=1 -BlacklistThreshold=1000000"
                           " -nolisten tcp -noreset 3>" +
                           number},
                      desk->folder + "/screen.log");
  bool there = wait_until(20, [&] { return file_text(number).find('\n') != std::string::npos; });
  check_at(there, "the desk's screen does not start: " + file_text(desk->folder + "/screen.log"));
  std::string said = file_text(number);
  desk->display = ":" + said.substr(0, said.find('\n'));
  int port = quiet_net_door(desk->net.get(), kScreenPort);
  check_at(wait_until(20, [&] { return (desk->hands = rfb_connect("127.0.0.1", port)) != nullptr; }),
           "no answer from the desk's screen: " + file_text(desk->folder + "/screen.log"));
  return desk;
}

void desk_layout(Desk* desk, const std::string& layout, const std::string& variant) {
  proc_output({"setxkbmap", "-display", desk->display, "-layout", layout, "-variant", variant});
}

void desk_browse(Desk* desk, DeskBrowser kind, const std::string& url) {
  desk->browser.reset();
  std::string profile = desk->folder + "/profile";
  std::error_code ignored;
  std::filesystem::remove_all(profile, ignored);
  std::filesystem::create_directories(profile);
  if (kind == DeskBrowser::kFirefox) {
    file_write(profile + "/user.js",
               "user_pref('browser.aboutwelcome.enabled', false);\n"
               "user_pref('browser.shell.checkDefaultBrowser', false);\n"
               "user_pref('datareporting.policy.dataSubmissionEnabled', false);\n"
               "user_pref('termsofuse.bypassNotification', true);\n"
               "user_pref('browser.startup.homepage_override.mstone', 'ignore');\n"
               "user_pref('full-screen-api.warning.timeout', 0);\n");
  }
  desk->browser =
      quiet_net_start(desk->net.get(), browser_command(desk, kind, profile, url), desk->folder + "/browser.log");
  check_at(desk->browser != nullptr, "the desk's browser cannot be started");
}

Picture desk_picture(Desk* desk) {
  Picture picture;
  check_at(rfb_frame(desk->hands.get(), &picture), "no picture of the desk's screen");
  return picture;
}

void desk_keys(Desk* desk, const std::string& keys) {
  std::istringstream words(keys);
  for (std::string word; words >> word;) {
    std::vector<int> held;
    for (const auto& [prefix, code] : {std::pair("C-", 0x1d), std::pair("A-", 0xb8), std::pair("S-", 0x2a)}) {
      if (word.size() < 3 || word.compare(0, 2, prefix) != 0) continue;
      held.push_back(code);
      word.erase(0, 2);
    }
    auto key = key_codes().find(word);
    check_at(key != key_codes().end(), "no such key: " + word);
    held.push_back(key->second);
    for (int code : held) send_key(desk, code, true);
    for (size_t i = held.size(); i-- > 0;) send_key(desk, held[i], false);
  }
}

void desk_point(Desk* desk, int x, int y, int buttons) {
  check_at(rfb_pointer(desk->hands.get(), x, y, buttons), "the desk's screen has gone");
}

void desk_click(Desk* desk, int x, int y, int button) {
  desk_point(desk, x, y, 0);
  desk_point(desk, x, y, button);
  desk_point(desk, x, y, 0);
}

void desk_clipboard_put(Desk* desk, const std::string& text) {
  std::string file = desk->folder + "/clipboard";
  file_write(file, text);
  // It stays as a process of its own that hands the text out, until somebody else puts one there or the screen ends.
  proc_output(
      {"sh", "-c",
       "exec xclip -display " + desk->display + " -selection clipboard -i " + file + " >/dev/null 2>&1 </dev/null"});
}

std::string desk_clipboard(Desk* desk) {
  return proc_run({"xclip", "-display", desk->display, "-selection", "clipboard", "-o", "-t", "UTF8_STRING"}, 5).out;
}

void DeskDeleter::operator()(Desk* desk) const {
  desk->browser.reset();
  desk->hands.reset();
  desk->screen.reset();
  desk->net.reset();
  std::error_code ignored;
  if (!desk->folder.empty()) std::filesystem::remove_all(desk->folder, ignored);
  delete desk;
}
