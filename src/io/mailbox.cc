// Queue and wake pipe between any thread and the loop.
#include "io/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <mutex>
#include <utility>

struct Mailbox {
  std::mutex mutex;
  std::vector<Message> queue;  // guarded by mutex
  int read_fd = -1;
  int write_fd = -1;
};

void MailboxDeleter::operator()(Mailbox* mailbox) const {
  close(mailbox->read_fd);
  close(mailbox->write_fd);
  delete mailbox;
}

MailboxPtr mailbox_create(std::string* error) {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    *error = std::string("no pipe for the results of workers: ") + strerror(errno);
    return nullptr;
  }
  MailboxPtr mailbox(new Mailbox);
  mailbox->read_fd = ends[0];
  mailbox->write_fd = ends[1];
  return mailbox;
}

int mailbox_fd(const Mailbox* mailbox) { return mailbox->read_fd; }

void mailbox_post(Mailbox* mailbox, Message message) {
  bool was_empty;
  {
    std::lock_guard<std::mutex> lock(mailbox->mutex);
    was_empty = mailbox->queue.empty();
    mailbox->queue.push_back(std::move(message));
  }
  if (!was_empty) return;
  // A full pipe (EAGAIN) is as good as a written byte: the read end is readable.
  const char wake = 1;
  while (write(mailbox->write_fd, &wake, 1) < 0 && errno == EINTR) {
  }
}

std::vector<Message> mailbox_take(Mailbox* mailbox) {
  // The pipe is emptied before the queue: a byte that comes in between costs one empty turn, the other order would lose a wake-up.
  char bytes[64];
  ssize_t got;
  do {
    got = read(mailbox->read_fd, bytes, sizeof bytes);
  } while (got == static_cast<ssize_t>(sizeof bytes) || (got < 0 && errno == EINTR));
  std::vector<Message> taken;
  std::lock_guard<std::mutex> lock(mailbox->mutex);
  taken.swap(mailbox->queue);
  return taken;
}
