// TLS with an engine, as the docker command has it: a folder with ca.pem, and with cert.pem and key.pem where the engine asks who we are.
#ifndef IO_DOCKER_TLS_H
#define IO_DOCKER_TLS_H

#include <curl/curl.h>

#include <string>

// Empty when the folder's files can serve; else which of them cannot, and what to do. Certificates themselves are judged by each call.
std::string docker_tls_problem(const std::string& folder);

// The engine must be of ca.pem's and made out to the host of the URL; we show cert.pem if there is one. The files are read at each call, so
// that renewed ones are taken without a restart.
void docker_tls_prepare(CURL* curl, const std::string& folder);

// True when libcurl's failure says that either side refused the other at its door: the engine has not taken in our request, even if it was sent.
bool docker_tls_refused(CURLcode code, const std::string& words);

// What an administrator does about a failure of a call of which nothing was answered, in one sentence; empty when TLS has no part in it.
std::string docker_tls_hint(CURLcode code, const std::string& words, const std::string& folder);

#endif
