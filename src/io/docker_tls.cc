// Certificates of the engine and ours, given to libcurl; its words turned into what to do.
#include "io/docker_tls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

namespace {

std::string unreadable(const std::string& path) {
  return access(path.c_str(), R_OK) == 0 ? "" : path + " cannot be read (" + strerror(errno) + ")";
}

bool is_there(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

bool says(const std::string& words, const char* what) { return words.find(what) != std::string::npos; }

}  // namespace

std::string docker_tls_problem(const std::string& folder) {
  const std::string ca = folder + "/ca.pem", cert = folder + "/cert.pem", key = folder + "/key.pem";
  std::string problem = unreadable(ca);
  if (problem.empty() && (is_there(cert) || is_there(key))) problem = unreadable(cert);
  if (problem.empty() && is_there(cert)) problem = unreadable(key);
  if (problem.empty()) return "";
  return "DOCKER_CERT_PATH=" + folder + ": " + problem +
         ". With DOCKER_TLS_VERIFY there must be ca.pem, and cert.pem with key.pem where the engine has --tlsverify, all readable for this user";
}

void docker_tls_prepare(CURL* curl, const std::string& folder) {
  const std::string cert = folder + "/cert.pem";
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_CAINFO, (folder + "/ca.pem").c_str());
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // the system's authorities have no say here
  if (!is_there(cert)) return;
  curl_easy_setopt(curl, CURLOPT_SSLCERT, cert.c_str());
  curl_easy_setopt(curl, CURLOPT_SSLKEY, (folder + "/key.pem").c_str());
}

bool docker_tls_refused(CURLcode code, const std::string& words) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return true;
    // In TLS 1.3 our side is done before the engine has looked at our certificate: its alert comes when we read the answer.
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return says(words, "alert");
    default: return false;
  }
}

// An engine that refuses us hangs up at once, and its alert is lost when our request had come meanwhile: then the line is merely cut.
static bool is_cut(CURLcode code) { return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING; }

std::string docker_tls_hint(CURLcode code, const std::string& words, const std::string& folder) {
  const std::string ours = " our certificate: cert.pem in " + folder + " must be in date and signed by the authority of the engine's --tlscacert";
  if (says(words, "alert")) return "the engine refuses" + ours;
  if (is_cut(code)) return "if that goes on, the engine may refuse" + ours;
  if (!docker_tls_refused(code, words)) return "";
  if (code == CURLE_SSL_CERTPROBLEM) return "cert.pem and key.pem in " + folder + " must belong together and be PEM files without a password";
  if (code == CURLE_SSL_CACERT_BADFILE) return folder + "/ca.pem must be a PEM file with the certificate of the engine's authority";
  if (code == CURLE_SSL_CONNECT_ERROR && says(words, "wrong version number"))
    return "what listens there speaks no TLS: has the engine --tlsverify, and is the port right (2376 by custom)?";
  if (says(words, "expired") || says(words, "not yet valid"))
    return "the engine's certificate is out of date: renew it there, or set the clock of this machine";
  if (says(words, "subject name") || says(words, "does not match") || says(words, "IP address"))
    return "the engine's certificate is made out to another name: use a name of its subjectAltName in DOCKER_HOST, or have one made out to this one";
  return "the engine's certificate must be signed by the authority in " + folder + "/ca.pem";
}
