// The certificate of the installation, which all sessions show unless the operator has given one. It is one for all so that a browser asks
// its user once (Firefox: once for each port), not at each session, and so that an old tab can still ask the session behind its port whether it is its own.
#ifndef IO_CERTIFICATE_H
#define IO_CERTIFICATE_H

#include <string>

enum class CertificateState { Kept, Made, Failed };

// Sees to it that the file at `path` holds a key and its certificate, in PEM: for `host` (a name or an address), localhost and
// 127.0.0.1, good for another month at least. One that lies there and is all that is kept; else a new one takes its place, whole or not at
// all, 0600, for 825 days, which is the longest that Apple's browsers take. Blocking; any thread, several at once. Failed with *error.
CertificateState certificate_ensure(const std::string& path, const std::string& host, std::string* error);

#endif
