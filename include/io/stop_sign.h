// A sign from one thread to another to stop, for good: seen at once, also by one that waits for a socket.
#ifndef IO_STOP_SIGN_H
#define IO_STOP_SIGN_H

#include <atomic>

struct StopSign {
  std::atomic<bool> set{false};
  int fd = -1;  // readable once it is set; -1: could not be had, `set` must be looked at now and then

  StopSign();
  ~StopSign();
  StopSign(const StopSign&) = delete;
  StopSign& operator=(const StopSign&) = delete;
};
void stop_sign_set(StopSign* sign);

#endif
