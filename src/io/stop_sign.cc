// A flag, and an eventfd that becomes readable with it.
#include "io/stop_sign.h"

#include <sys/eventfd.h>
#include <unistd.h>

StopSign::StopSign() : fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

StopSign::~StopSign() {
  if (fd >= 0) close(fd);
}

void stop_sign_set(StopSign* sign) {
  sign->set.store(true);
  if (sign->fd >= 0) eventfd_write(sign->fd, 1);
}
