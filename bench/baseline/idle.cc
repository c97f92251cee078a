// The limit of the daemon's memory: a program with an event loop, a listener, libcurl and twelve threads, none of which does anything.
//   idle PORT
#include <curl/curl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

int main(int count, char** words) {
  if (count != 2) {
    fprintf(stderr, "usage: idle PORT\n");
    return 2;
  }
  curl_global_init(CURL_GLOBAL_ALL);
  CURL* easy = curl_easy_init();
  for (int i = 0; i < 12; i++)
    std::thread([] {
      for (;;) pause();
    }).detach();
  event_base* base = event_base_new();
  evhttp* http = evhttp_new(base);
  if (evhttp_bind_socket(http, "127.0.0.1", static_cast<ev_uint16_t>(atoi(words[1]))) != 0) {
    perror("idle");
    return 1;
  }
  const int status = event_base_dispatch(base);
  curl_easy_cleanup(easy);
  return status;
}
