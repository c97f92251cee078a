// The windows of an X server, asked of itself: what a person could see, or find behind what she sees.
#ifndef SUPPORT_X_WINDOWS_H
#define SUPPORT_X_WINDOWS_H

#include <string>
#include <vector>

struct XWindow {
  std::string title;  // UTF-8
  int width = 0, height = 0;
};

// The plain windows and dialogs that its window manager knows, the oldest first, of the X server with this socket
// (/proc/<pid>/root/tmp/.X11-unix/X0 for that of a container). False when it does not answer.
bool x_windows(const std::string& socket_path, std::vector<XWindow>* out);

#endif
