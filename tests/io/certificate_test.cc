// The certificate of the installation: made once, kept as long as it serves, and replaced whole. What it says is read by the openssl command.
#include "io/certificate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "support/cmocka_cc.h"

namespace {

struct Place {
  std::string folder, path;
};

int make_place(void** state) {
  char folder[] = "/tmp/certificate-test-XXXXXX";
  if (mkdtemp(folder) == nullptr) return -1;
  *state = new Place{folder, std::string(folder) + "/session-certificate.pem"};
  return 0;
}

int remove_place(void** state) {
  Place* place = static_cast<Place*>(*state);
  std::error_code error;
  std::filesystem::remove_all(place->folder, error);
  delete place;
  return error ? -1 : 0;
}

const Place& place_of(void** state) { return *static_cast<Place*>(*state); }

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What the command prints, and whether it ends well.
bool run(const std::string& command, std::string* out = nullptr) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), nullptr);
  assert_non_null(pipe.get());
  std::string text;
  for (int c; (c = fgetc(pipe.get())) != EOF;) text += static_cast<char>(c);
  const bool good = pclose(pipe.release()) == 0;
  if (!good && out == nullptr) print_error("%s: %s\n", command.c_str(), text.c_str());
  if (out != nullptr) *out = text;
  return good;
}

void ensure(const std::string& path, const std::string& host, CertificateState expected) {
  std::string error;
  const CertificateState state = certificate_ensure(path, host, &error);
  if (state != expected) print_error("%s\n", error.c_str());
  assert_int_equal(state, expected);
}

bool is_for(const std::string& path, const std::string& option, const std::string& host) {
  std::string out;
  assert_true(run("openssl x509 -in " + path + " -noout -" + option + " " + host, &out));
  return out.find("does match") != std::string::npos;
}

void it_is_made_once(void** state) {
  const Place& place = place_of(state);
  ensure(place.path, "vnc.example.org", CertificateState::Made);
  struct stat info;
  assert_int_equal(stat(place.path.c_str(), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0600);
  const std::string first = content(place.path);
  ensure(place.path, "vnc.example.org", CertificateState::Kept);
  assert_string_equal(content(place.path).c_str(), first.c_str());
  // Nothing else is left.
  assert_int_equal(std::distance(std::filesystem::directory_iterator(place.folder), std::filesystem::directory_iterator()), 1);
}

void it_says_what_browsers_ask(void** state) {
  const Place& place = place_of(state);
  ensure(place.path, "vnc.example.org", CertificateState::Made);
  assert_true(run("openssl verify -purpose sslserver -check_ss_sig -CAfile " + place.path + " " + place.path));
  assert_true(is_for(place.path, "checkhost", "vnc.example.org"));
  assert_true(is_for(place.path, "checkhost", "localhost"));
  assert_true(is_for(place.path, "checkip", "127.0.0.1"));
  assert_false(is_for(place.path, "checkhost", "other.example.org"));
  assert_true(run("openssl x509 -in " + place.path + " -noout -checkend " + std::to_string(823 * 86400)));
  std::string out;
  assert_false(run("openssl x509 -in " + place.path + " -noout -checkend " + std::to_string(825 * 86400), &out));
  assert_true(run("openssl x509 -in " + place.path + " -noout -ext basicConstraints,keyUsage,extendedKeyUsage", &out));
  for (const char* part : {"CA:FALSE", "Digital Signature", "TLS Web Server Authentication"}) assert_non_null(strstr(out.c_str(), part));
  // The key is of the pair, and asks for no passphrase.
  std::string of_cert, of_key;
  assert_true(run("openssl x509 -in " + place.path + " -noout -pubkey", &of_cert));
  assert_true(run("openssl pkey -in " + place.path + " -pubout -passin pass:", &of_key));
  assert_string_equal(of_cert.c_str(), of_key.c_str());
}

void addresses_are_addresses(void** state) {
  const Place& place = place_of(state);
  for (const char* address : {"192.0.2.7", "2001:db8::7"}) {
    ensure(place.path, address, CertificateState::Made);
    assert_true(is_for(place.path, "checkip", address));
    ensure(place.path, address, CertificateState::Kept);
  }
  ensure(place.path, "localhost", CertificateState::Kept);  // each is for that, too
  std::filesystem::remove(place.path);
  ensure(place.path, "localhost", CertificateState::Made);
  assert_false(is_for(place.path, "checkip", "192.0.2.7"));
}

void one_that_does_not_serve_is_replaced(void** state) {
  const Place& place = place_of(state);
  const std::string key = place.folder + "/key.pem", cert = place.folder + "/cert.pem", other = place.folder + "/other.pem";
  auto self_signed = [&](const std::string& days, const std::string& key_options) {
    assert_true(run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 " + key_options + " -days " + days +
                    " -subj /CN=a -addext subjectAltName=DNS:vnc.example.org -keyout " + key + " -out " + cert));
  };
  auto put = [&](const std::string& text) { std::ofstream(place.path) << text; };
  auto replaced = [&](const char* what) {
    const std::string before = content(place.path);
    print_message("%s\n", what);
    ensure(place.path, "vnc.example.org", CertificateState::Made);
    assert_string_not_equal(content(place.path).c_str(), before.c_str());
    ensure(place.path, "vnc.example.org", CertificateState::Kept);
  };
  self_signed("60", "-nodes");
  put(content(key) + content(cert));
  ensure(place.path, "vnc.example.org", CertificateState::Kept);
  ensure(place.path, "new.example.org", CertificateState::Made);
  put("");
  replaced("empty");
  put("no certificate\n");
  replaced("something else");
  put(content(key));
  replaced("without a certificate");
  put(content(cert));
  replaced("without a key");
  assert_true(run("openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 -out " + other));
  put(content(other) + content(cert));
  replaced("of another key");
  self_signed("29", "-nodes");
  put(content(key) + content(cert));
  replaced("at its end within a month");
  self_signed("60", "-passout pass:secret");
  put(content(key) + content(cert));
  replaced("under a passphrase, which is asked for by nobody");
}

void what_cannot_be_is_told(void** state) {
  const Place& place = place_of(state);
  std::string error;
  const std::string nowhere = place.folder + "/missing/session-certificate.pem";
  assert_int_equal(certificate_ensure(nowhere, "localhost", &error), CertificateState::Failed);
  assert_non_null(strstr(error.c_str(), (nowhere + ": No such file or directory").c_str()));
  // A folder of that name, as the engine makes one where it is told to mount what is not there.
  std::filesystem::create_directory(place.path);
  assert_int_equal(certificate_ensure(place.path, "localhost", &error), CertificateState::Failed);
  assert_non_null(strstr(error.c_str(), place.path.c_str()));
  assert_int_equal(std::distance(std::filesystem::directory_iterator(place.folder), std::filesystem::directory_iterator()), 1);
  // No name that a certificate could have.
  std::filesystem::remove(place.path);
  assert_int_equal(certificate_ensure(place.path, "a,IP:b", &error), CertificateState::Failed);
  assert_non_null(strstr(error.c_str(), "a,IP:b"));
  assert_false(std::filesystem::exists(place.path));
}

void several_at_once_leave_one_that_serves(void** state) {
  const Place& place = place_of(state);
  std::vector<CertificateState> states(8, CertificateState::Failed);
  std::vector<std::thread> threads;
  for (CertificateState& one : states) {
    threads.emplace_back([&] {
      std::string error;
      one = certificate_ensure(place.path, "localhost", &error);
    });
  }
  for (std::thread& thread : threads) thread.join();
  assert_int_equal(std::count(states.begin(), states.end(), CertificateState::Failed), 0);
  ensure(place.path, "localhost", CertificateState::Kept);
  assert_int_equal(std::distance(std::filesystem::directory_iterator(place.folder), std::filesystem::directory_iterator()), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(it_is_made_once, make_place, remove_place),
      cmocka_unit_test_setup_teardown(it_says_what_browsers_ask, make_place, remove_place),
      cmocka_unit_test_setup_teardown(addresses_are_addresses, make_place, remove_place),
      cmocka_unit_test_setup_teardown(one_that_does_not_serve_is_replaced, make_place, remove_place),
      cmocka_unit_test_setup_teardown(what_cannot_be_is_told, make_place, remove_place),
      cmocka_unit_test_setup_teardown(several_at_once_leave_one_that_serves, make_place, remove_place),
  };
  return cmocka_run_group_tests_name("certificate", tests, nullptr, nullptr);
}
