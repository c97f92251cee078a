// What a request line asks for, "/access?id=1": decoded into a path and parameters. And who asks, as its headers have it.
#ifndef IO_HTTPD_TARGET_H
#define IO_HTTPD_TARGET_H

#include "io/httpd.h"

struct evhttp_uri;
struct evkeyvalq;

// Sets out->path and out->params from a target that evhttp has taken apart; nullptr: there was none, and nothing is set. What follows a
// %00 belongs to the value too; a '%' that begins no code stands for itself; '+' is a blank in parameters only.
void httpd_target_read(const evhttp_uri* uri, HttpRequest* out);

// Sets out->source, and out->label as it came. Of a header that came twice, the first.
void httpd_source_read(const evkeyvalq* headers, HttpRequest* out);

#endif
