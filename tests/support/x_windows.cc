// A client of an X server in another file system: libxcb on a socket of our own, since no display's name leads there.
#include "support/x_windows.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xcb/xcb.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

struct XDeleter {
  void operator()(xcb_connection_t* x) const { xcb_disconnect(x); }
};
using XPtr = std::unique_ptr<xcb_connection_t, XDeleter>;

template <typename Reply>
using ReplyPtr = std::unique_ptr<Reply, decltype(&free)>;

XPtr x_connect(const std::string& path) {
  sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  if (path.size() >= sizeof to.sun_path) return nullptr;
  memcpy(to.sun_path, path.c_str(), path.size());
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    close(fd);
    return nullptr;
  }
  return XPtr(xcb_connect_to_fd(fd, nullptr));  // never null; the descriptor is its own now
}

xcb_atom_t x_atom(xcb_connection_t* x, const char* name) {
  auto asked = xcb_intern_atom(x, 0, static_cast<uint16_t>(strlen(name)), name);
  ReplyPtr<xcb_intern_atom_reply_t> reply(xcb_intern_atom_reply(x, asked, nullptr), free);
  return reply ? reply->atom : static_cast<xcb_atom_t>(XCB_ATOM_NONE);
}

std::string x_property(xcb_connection_t* x, xcb_window_t window, const char* name) {
  auto asked = xcb_get_property(x, 0, window, x_atom(x, name), XCB_GET_PROPERTY_TYPE_ANY, 0, 1024);
  ReplyPtr<xcb_get_property_reply_t> reply(xcb_get_property_reply(x, asked, nullptr), free);
  if (!reply) return "";
  const char* value = static_cast<const char*>(xcb_get_property_value(reply.get()));
  return std::string(value, static_cast<size_t>(xcb_get_property_value_length(reply.get())));
}

}  // namespace

bool x_windows(const std::string& socket_path, std::vector<XWindow>* out) {
  XPtr x = x_connect(socket_path);
  if (!x || xcb_connection_has_error(x.get())) return false;
  xcb_window_t root = xcb_setup_roots_iterator(xcb_get_setup(x.get())).data->root;
  std::string list = x_property(x.get(), root, "_NET_CLIENT_LIST");
  out->clear();
  for (size_t at = 0; at + sizeof(xcb_window_t) <= list.size(); at += sizeof(xcb_window_t)) {
    xcb_window_t window;
    memcpy(&window, &list[at], sizeof window);
    ReplyPtr<xcb_get_geometry_reply_t> place(
        xcb_get_geometry_reply(x.get(), xcb_get_geometry(x.get(), window), nullptr), free);
    if (place) out->push_back({x_property(x.get(), window, "_NET_WM_NAME"), place->width, place->height});
  }
  return xcb_connection_has_error(x.get()) == 0;
}
