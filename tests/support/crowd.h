// Thousands of connections at once, held by one thread: opened, fed, read and closed.
#ifndef SUPPORT_CROWD_H
#define SUPPORT_CROWD_H

#include <string>
#include <vector>

#include "support/suite.h"

struct CrowdOne {
  int fd = -1;
  std::string received;
  bool closed = false;  // by the other side
};

struct Crowd {
  int port = 0;
  int epoll = -1;
  std::vector<CrowdOne> ones;
};

// So many files may this process have open: as many as the system lets it.
size_t crowd_raise_file_limit();

// Connected to 127.0.0.1:port, from source addresses of their own by the thousand. Given back by crowd_close, which may be called twice.
Crowd crowd_open(int port, size_t count, const At& at = At::current());
void crowd_reopen(Crowd* crowd, size_t one);  // a new connection in its place
bool crowd_send(Crowd* crowd, size_t one, const std::string& bytes);
void crowd_read(Crowd* crowd, int ms);                  // what comes within that time, of all of them
bool crowd_read_to_end(Crowd* crowd, double seconds);   // until the other side has closed each that we did not close
void crowd_leave(Crowd* crowd, size_t one, bool reset);  // we close this one
void crowd_close(Crowd* crowd);
size_t crowd_closed(const Crowd& crowd);  // of how many the other side has had enough

// Status of the only answer; 0: none, -1: more than one.
int crowd_status(const CrowdOne& one);

#endif
