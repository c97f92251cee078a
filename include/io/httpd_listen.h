// The socket on which the HTTP listener takes connections.
#ifndef IO_HTTPD_LISTEN_H
#define IO_HTTPD_LISTEN_H

#include <string>

#include "io/httpd.h"

// Bound and listening, non-blocking; the caller's. -1 with *error in words: where, why, and which setting may help. A unix socket that a
// program left behind is replaced; one where somebody listens, or what is no socket, is not.
int httpd_listen(const HttpPlace& place, std::string* error);
// Takes a unix socket off the disk, if it is still the one behind `fd`'s place: a later program's stays.
void httpd_unlisten(const HttpPlace& place, uint64_t inode);
// Of the socket file; 0: there is none.
uint64_t httpd_listen_inode(const HttpPlace& place);

#endif
