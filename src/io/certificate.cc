// The certificate of the installation, made with libcrypto.
#include "io/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "io/host.h"

namespace {

template <auto function>
struct Freer {
  template <typename T>
  void operator()(T* it) const {
    function(it);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyMakerPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using CertPtr = std::unique_ptr<X509, Freer<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using AddressPtr = std::unique_ptr<ASN1_OCTET_STRING, Freer<ASN1_OCTET_STRING_free>>;

constexpr long kDay = 24L * 3600;
constexpr long kGoodFor = 825 * kDay;
constexpr long kRenewedBefore = 30 * kDay;

bool is_address(const std::string& host) { return AddressPtr(a2i_IPADDRESS(host.c_str())) != nullptr; }

bool is_for(X509* cert, const std::string& host) {
  return is_address(host) ? X509_check_ip_asc(cert, host.c_str(), 0) == 1 : X509_check_host(cert, host.c_str(), host.size(), 0, nullptr) == 1;
}

bool is_good(const std::string& path, const std::string& host) {
  std::unique_ptr<FILE, Freer<fclose>> file(fopen(path.c_str(), "re"));
  if (!file) return false;
  // A passphrase is asked for on the terminal unless there is one.
  char none[] = "";
  const KeyPtr key(PEM_read_PrivateKey(file.get(), nullptr, nullptr, none));
  const CertPtr cert(PEM_read_X509(file.get(), nullptr, nullptr, none));
  if (!key || !cert || X509_check_private_key(cert.get(), key.get()) != 1) return false;
  time_t at_least = time(nullptr) + kRenewedBefore;
  const bool is_valid = X509_cmp_time(X509_get0_notBefore(cert.get()), nullptr) < 0 && X509_cmp_time(X509_get0_notAfter(cert.get()), &at_least) > 0;
  return is_valid && is_for(cert.get(), host);
}

KeyPtr make_key() {
  const KeyMakerPtr maker(EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr));
  EVP_PKEY* key = nullptr;
  if (!maker || EVP_PKEY_keygen_init(maker.get()) != 1 || EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker.get(), NID_X9_62_prime256v1) != 1 ||
      EVP_PKEY_keygen(maker.get(), &key) != 1)
    return nullptr;
  return KeyPtr(key);
}

bool add_extension(X509* cert, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> one(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return one && X509_add_ext(cert, one.get(), -1) == 1;
}

CertPtr make_certificate(EVP_PKEY* key, const std::string& host) {
  CertPtr cert(X509_new());
  uint64_t serial = 0;
  if (!cert || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return nullptr;
  X509_NAME* name = X509_get_subject_name(cert.get());
  // A colon and a comma mean something in the list of names; neither is part of a host's name, and an address has its own kind.
  std::string names = "DNS:localhost,IP:127.0.0.1";
  if (host != "localhost") names += (is_address(host) ? ",IP:" : ",DNS:") + host;
  const bool done =
      X509_set_version(cert.get(), 2) == 1 &&  // counted from 0: the third, the one with extensions
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert.get()), serial >> 1 | 1) == 1 &&
      // A day back, for those whose clock is behind ours.
      X509_gmtime_adj(X509_getm_notBefore(cert.get()), -kDay) && X509_gmtime_adj(X509_getm_notAfter(cert.get()), kGoodFor - kDay) &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("vnc-session"), -1, -1, 0) == 1 &&
      X509_set_issuer_name(cert.get(), name) == 1 && X509_set_pubkey(cert.get(), key) == 1 &&
      add_extension(cert.get(), NID_basic_constraints, "critical,CA:FALSE") && add_extension(cert.get(), NID_key_usage, "critical,digitalSignature") &&
      add_extension(cert.get(), NID_ext_key_usage, "serverAuth") && add_extension(cert.get(), NID_subject_alt_name, names) &&
      X509_sign(cert.get(), key, EVP_sha256()) > 0;
  return done ? std::move(cert) : nullptr;
}

}  // namespace

CertificateState certificate_ensure(const std::string& path, const std::string& host, std::string* error) {
  static std::mutex one_after_the_other;  // or several threads make one each, and sessions differ
  const std::lock_guard<std::mutex> guard(one_after_the_other);
  const bool good = is_good(path, host);
  ERR_clear_error();
  if (good) return CertificateState::Kept;
  const KeyPtr key = make_key();
  const CertPtr cert = key ? make_certificate(key.get(), host) : nullptr;
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (!cert || !text || PEM_write_bio_PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(text.get(), cert.get()) != 1) {
    const char* why = ERR_reason_error_string(ERR_peek_last_error());
    *error = "cannot make a certificate for " + host + ": " + (why == nullptr ? "out of memory" : why);
    ERR_clear_error();
    return CertificateState::Failed;
  }
  char* bytes = nullptr;
  const long count = BIO_get_mem_data(text.get(), &bytes);
  return host_replace_file(path, std::string_view(bytes, static_cast<size_t>(count)), error) ? CertificateState::Made : CertificateState::Failed;
}
