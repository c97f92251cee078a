// An engine at tcp:// with TLS: served as any other, and each way in which one side is not who it should be is refused, with what to do.
#include <filesystem>

#include "support/daemon.h"
#include "support/private_engine.h"
#include "support/proc.h"

namespace {

void openssl(Texts words) {
  words.insert(words.begin(), "openssl");
  proc_output(words);
}

void make_authority(const std::string& folder, const std::string& name) {
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=" + name,
           "-keyout", folder + "/" + name + ".key", "-out", folder + "/" + name + ".pem"});
}

// NAME.pem and NAME.key, signed by the authority; days below 0: it has run out.
void make_certificate(const std::string& folder, const std::string& authority, const std::string& name, const std::string& more, int days = 2) {
  const std::string base = folder + "/" + name;
  file_write(base + ".ext", more + "\n");
  openssl({"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name, "-keyout",
           base + ".key", "-out", base + ".csr"});
  openssl({"x509", "-req", "-in", base + ".csr", "-CA", folder + "/" + authority + ".pem", "-CAkey", folder + "/" + authority + ".key",
           "-CAcreateserial", "-days", std::to_string(days), "-extfile", base + ".ext", "-out", base + ".pem"});
}

const char* const kServer = "extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1";
const char* const kClient = "extendedKeyUsage=clientAuth";

struct Stand {
  Daemon* d = nullptr;
  PrivateEngine* engine = nullptr;
  std::string folder, address;
};

// Authorities "ours" and "theirs", certificates of both, and the engine that shows `server` and asks for those of "ours".
Stand with_tls_engine(Scene* scene, const std::string& server, bool starts = true) {
  Stand stand{scene->daemon, private_engine_make(scene), scene->folder + "/tls", "tcp://127.0.0.1:" + std::to_string(scene->suite->first_port + 2)};
  std::filesystem::create_directory(stand.folder);
  for (const char* authority : {"ours", "theirs"}) make_authority(stand.folder, authority);
  make_certificate(stand.folder, "ours", "server", kServer);
  make_certificate(stand.folder, "ours", "expired", kServer, -1);
  make_certificate(stand.folder, "ours", "elsewhere", "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:elsewhere.test");
  make_certificate(stand.folder, "ours", "client", kClient);
  make_certificate(stand.folder, "theirs", "stranger", kClient);
  make_certificate(stand.folder, "ours", "old-client", kClient, -1);
  daemon_use_engine(stand.d, stand.engine);
  stand.engine->extra = {"--host=" + stand.address,
                         "--tlsverify",
                         "--tlscacert=" + stand.folder + "/ours.pem",
                         "--tlscert=" + stand.folder + "/" + server + ".pem",
                         "--tlskey=" + stand.folder + "/" + server + ".key"};
  if (starts) private_engine_start(stand.engine);
  daemon_set(stand.d, "DOCKER_HOST", stand.address);
  daemon_set(stand.d, "DOCKER_TLS_VERIFY", "1");
  return stand;
}

// The folder as the docker command wants it; an empty client: none.
std::string cert_path(const Stand& stand, const std::string& authority, const std::string& client) {
  const std::string folder = stand.folder + "/of-" + authority + "-" + client;
  std::filesystem::create_directory(folder);
  const auto copy = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(stand.folder + "/" + authority + ".pem", folder + "/ca.pem", copy);
  if (client.empty()) return folder;
  std::filesystem::copy_file(stand.folder + "/" + client + ".pem", folder + "/cert.pem", copy);
  std::filesystem::copy_file(stand.folder + "/" + client + ".key", folder + "/key.pem", copy);
  return folder;
}

// Nobody is served, and an access is told the reason too, with the same words as the log.
void check_refused(const Stand& stand, const std::string& folder, const std::string& words, const At& at = At::current()) {
  Daemon* d = stand.d;
  daemon_set(d, "DOCKER_CERT_PATH", folder);
  daemon_start(d, at);
  check_at(daemon_logs_loudly(d, {stand.address, words}), "the log does not say: " + words, at);
  const std::string error = check_error(daemon_get(d, access_path(suite_client(*d->scene->suite, "tls"))), 503, at);
  check_at(error.find(words) != std::string::npos, "the answer does not say: " + words + ", but: " + error, at);
  check_number(daemon_get(d, "/health").status, 200, "/health", at);
  daemon_stop(d, at);
}

// The event stream goes the same way: a session that ends is known at once, long before the minute's listing.
void an_engine_with_tls_serves_and_tells_of_its_events(Scene* scene) {
  Stand stand = with_tls_engine(scene, "server");
  Daemon* d = stand.d;
  daemon_set(d, "DOCKER_CERT_PATH", cert_path(stand, "ours", "client"));
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string client = suite_client(*scene->suite, "tls");
  Entry first = daemon_access(d, client);
  check_number(static_cast<long>(daemon_log_count(d, "without TLS")), 0, "warnings of a way without TLS");
  engine_remove(stand.engine->socket, first.id);
  check_at(wait_until(10, [&] { return entry_find(daemon_status(d).records, client) == nullptr; }), "its end is not noticed");
  Entry second = daemon_access(d, client, "&width=800&height=600");
  check_at(second.id != first.id, "the same container");
}

void a_renewed_certificate_is_taken_without_a_restart(Scene* scene) {
  Stand stand = with_tls_engine(scene, "server");
  const std::string folder = cert_path(stand, "ours", "old-client");
  daemon_set(stand.d, "DOCKER_CERT_PATH", folder);
  daemon_start(stand.d);
  check_at(daemon_logs_loudly(stand.d, {"our certificate: cert.pem in "}), "it is not told");
  for (const char* kind : {"pem", "key"}) {
    const std::string to = folder + (kind[0] == 'p' ? "/cert.pem" : "/key.pem");
    std::filesystem::copy_file(stand.folder + "/client." + kind, to, std::filesystem::copy_options::overwrite_existing);
  }
  const std::string client = suite_client(*scene->suite, "renewed");
  check_at(wait_until(30, [&] { return daemon_get(stand.d, access_path(client)).status == 302; }), "it is not taken");
}

void a_client_that_is_not_the_engines_is_refused(Scene* scene) {
  Stand stand = with_tls_engine(scene, "server");
  for (const char* client : {"stranger", "old-client", ""})
    check_refused(stand, cert_path(stand, "ours", client), "our certificate: cert.pem in ");
  const std::string mixed = cert_path(stand, "ours", "client");
  std::filesystem::copy_file(stand.folder + "/stranger.key", mixed + "/key.pem", std::filesystem::copy_options::overwrite_existing);
  check_refused(stand, mixed, "must belong together");
}

void an_engine_of_another_authority_is_refused(Scene* scene) {
  Stand stand = with_tls_engine(scene, "server");
  check_refused(stand, cert_path(stand, "theirs", "client"), "must be signed by the authority in ");
  // Its name is not in the certificate either.
  daemon_set(stand.d, "DOCKER_HOST", stand.address = "tcp://localhost:" + stand.address.substr(stand.address.rfind(':') + 1));
  check_refused(stand, cert_path(stand, "ours", "client"), "is made out to another name");
}

void an_engine_of_another_name_or_time_is_refused(Scene* scene) {
  Stand stand = with_tls_engine(scene, "elsewhere");
  const std::string folder = cert_path(stand, "ours", "client");
  check_refused(stand, folder, "is made out to another name");
  private_engine_stop(stand.engine);
  for (std::string& word : stand.engine->extra)
    if (size_t at = word.find("/elsewhere."); at != std::string::npos) word.replace(at, 11, "/expired.");
  private_engine_start(stand.engine);
  check_refused(stand, folder, "is out of date");
}

void tls_on_one_side_alone_is_told(Scene* scene) {
  Stand stand = with_tls_engine(scene, "server");
  daemon_set(stand.d, "DOCKER_TLS_VERIFY", "");
  daemon_start(stand.d);
  check_at(daemon_logs_loudly(stand.d, {stand.address, "is spoken to without TLS"}), "no warning");
  check_at(daemon_logs_loudly(stand.d, {"wants TLS: set DOCKER_TLS_VERIFY=1"}), "what to do is not said");
  daemon_stop(stand.d);
  private_engine_stop(stand.engine);
  stand.engine->extra = {"--host=" + stand.address, "--tls=false"};
  private_engine_start(stand.engine);
  daemon_set(stand.d, "DOCKER_TLS_VERIFY", "1");
  check_refused(stand, cert_path(stand, "ours", "client"), "speaks no TLS");
}

void without_its_files_it_does_not_start(Scene* scene) {
  Stand stand = with_tls_engine(scene, "server", false);
  const std::string folder = cert_path(stand, "ours", "client");
  for (const char* file : {"/key.pem", "/cert.pem", "/ca.pem"}) {
    std::filesystem::remove(folder + file);
    if (std::string(file) == "/cert.pem") file_write(folder + "/key.pem", "");
    daemon_set(stand.d, "DOCKER_CERT_PATH", folder);
    Outcome outcome = daemon_run(stand.d, {});
    check_number(outcome.status, 1, "exit status");
    check_at(outcome.err.find(folder + file + " cannot be read (No such file or directory)") != std::string::npos, outcome.err);
  }
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(an_engine_with_tls_serves_and_tells_of_its_events),
      E2E_TEST(a_renewed_certificate_is_taken_without_a_restart),
      E2E_TEST(a_client_that_is_not_the_engines_is_refused),
      E2E_TEST(an_engine_of_another_authority_is_refused),
      E2E_TEST(an_engine_of_another_name_or_time_is_refused),
      E2E_TEST(tls_on_one_side_alone_is_told),
      E2E_TEST(without_its_files_it_does_not_start),
  };
  return suite_main("engine_tls", tests);
}
