// The key, and libcrypto's HMAC.
#include "io/pseudonym.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "codec/text.h"
#include "io/host.h"

namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kShownBytes = 16;

std::string hex(const unsigned char* bytes, size_t count) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < count; ++i) out.append(1, kHex[bytes[i] >> 4]).append(1, kHex[bytes[i] & 15]);
  return out;
}

bool is_key(std::string_view text) { return text.size() == 2 * kKeyBytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

}  // namespace

bool pseudonym_key(const std::string& path, bool make, std::string* key, bool* remade, std::string* error) {
  key->clear();
  *remade = false;
  std::string text;
  bool missing = false;
  if (!host_read_file(path, &text, &missing, error) && !missing) return false;
  error->clear();
  if (!missing && is_key(text_trim(text))) {
    *key = text_trim(text);
    return true;
  }
  if (!make) return true;
  unsigned char bytes[kKeyBytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1) {
    *error = "no random bytes are to be had for " + path;
    return false;
  }
  const std::string made = hex(bytes, sizeof bytes);
  if (!host_replace_file(path, made + "\n", error)) return false;
  *key = made;
  *remade = !missing;
  return true;
}

std::string pseudonym(const std::string& key, std::string_view text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return hex(mac, kShownBytes);
}
