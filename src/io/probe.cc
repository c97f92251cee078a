// Whether somebody answers HTTP or HTTPS on a port.
#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "io/engine.h"

namespace {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

size_t stop_at_the_body(char*, size_t, size_t, void*) { return 0; }

bool answers(const std::string& url, long timeout_ms) {
  std::unique_ptr<CURL, EasyDeleter> easy(curl_easy_init());
  if (!easy) return false;
  CURL* curl = easy.get();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(curl, CURLOPT_CAINFO,
                   nullptr);  // reading the system's certificates would be the dearest part of a probe
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, stop_at_the_body);
  curl_easy_perform(curl);
  // Whatever became of the rest: a status line has come.
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status >= 200;
}

}  // namespace

bool probe_http(const std::string& host, int port, long timeout_ms) {
  const bool v6 = host.find(':') != std::string::npos && host.front() != '[';
  const std::string place = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + "/";
  // A server of the one kind may keep silent to the other, so each gets half of the time.
  const long half = std::max(timeout_ms / 2, 1L);
  return answers("http://" + place, half) || answers("https://" + place, half);
}
