// A session in a company's network, started by the daemon: its authorities, proxies, name server, time zone and languages, as a page sees them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <mutex>

#include "support/daemon.h"
#include "support/page_server.h"
#include "support/png.h"
#include "support/proc.h"
#include "support/rfb.h"
#include "support/suite.h"
#include "support/tcp_relay.h"

namespace {

constexpr unsigned kGreen = 0x20c040;

// The company's network: all of it listens on the host's address in the session network. Given back by the scene's cleanups.
struct Company {
  std::string gateway, folder;
  int proxy_port = 0, tls_port = 0;
  PageServerPtr pages;
  ProcPtr proxy, names, tls, wrap;
};

int free_port(Scene* scene, int offset) { return scene->suite->first_port + 60 + offset; }

void start(Company* company, ProcPtr* out, const std::vector<std::string>& command, const std::string& what, int port) {
  std::string log = company->folder + "/" + what + ".log";
  *out = proc_start(command, log);
  bool up = wait_until(10, [&] {
    std::string listening = proc_run({"ss", "-Hlntu", "sport = :" + std::to_string(port)}).out;
    return listening.find(company->gateway + ":" + std::to_string(port)) != std::string::npos;
  });
  check_at(up && proc_runs(out->get()), what + " does not start: " + file_text(log));
}

void make_authority(const std::string& folder, const std::string& gateway) {
  proc_output(
      {"sh", "-ec",
       "cd \"$1\"; mkdir ca; openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj '/CN=Empresa Raiz' -keyout ca.key"
       " -out ca/empresa.crt -addext basicConstraints=critical,CA:true\n"
       "openssl req -newkey rsa:2048 -nodes -subj /CN=portal.empresa.test -keyout web.key -out web.csr\n"
       "printf 'subjectAltName=DNS:*.empresa.test,DNS:*.direto.test,IP:%s' \"$2\" >web.ext\n"
       "openssl x509 -req -in web.csr -CA ca/empresa.crt -CAkey ca.key -CAcreateserial -days 9 -extfile web.ext -out "
       "web.crt",
       "sh", folder, gateway});
}

// Names below empresa.test are known to the company's name server alone, and lead to the gateway.
std::shared_ptr<Company> company_at(Scene* scene) {
  const Suite& suite = *scene->suite;
  auto company = std::make_shared<Company>();
  company->gateway = suite.subnet.substr(0, suite.subnet.rfind('.')) + ".1";
  company->folder = scene->folder + "/company";
  company->proxy_port = free_port(scene, 0);
  company->tls_port = free_port(scene, 1);
  if (proc_run({"docker", "network", "inspect", suite.network}).status != 0)
    proc_output(
        {"docker", "network", "create", "--subnet", suite.subnet, "--gateway", company->gateway, suite.network});
  scene->cleanups.push_back([company] {
    company->wrap.reset();
    company->tls.reset();
    company->proxy.reset();
    company->names.reset();
    company->pages.reset();
  });
  proc_output({"mkdir", "-p", company->folder});
  company->pages = page_server_start(company->gateway);
  check_at(company->pages != nullptr, "cannot listen on " + company->gateway);
  make_authority(company->folder, company->gateway);

  const std::string& folder = company->folder;
  const std::string pages = page_server_url(company->pages.get(), "").substr(7);
  start(company.get(), &company->names,
        {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
         "--pid-file=", "--user=root", "--bind-interfaces", "--except-interface=lo",
         "--listen-address=" + company->gateway, "--address=/test/" + company->gateway},
        "dnsmasq", 53);
  // What the URL holds is percent-encoded; tinyproxy itself takes no more of the ASCII than this.
  file_write(folder + "/proxy.conf",
             "Port " + std::to_string(company->proxy_port) + "\nListen " + company->gateway +
                 "\nTimeout 60\nMaxClients 50\nViaProxyName \"proxy-da-empresa\"\nBasicAuth ana se_gr.do1\n");
  start(company.get(), &company->proxy, {"tinyproxy", "-d", "-c", folder + "/proxy.conf"}, "tinyproxy",
        company->proxy_port);
  file_write(folder + "/tls.conf", "foreground=yes\npid=\nsyslog=no\n[web]\naccept=" + company->gateway + ":" +
                                       std::to_string(company->tls_port) + "\nconnect=" + pages + "\ncert=" + folder +
                                       "/web.crt\nkey=" + folder + "/web.key\n");
  start(company.get(), &company->tls, {"stunnel4", folder + "/tls.conf"}, "stunnel", company->tls_port);
  return company;
}

std::string login_url(const Company& company) {
  return "http://ana:se%5Fgr%2Edo1@" + company.gateway + ":" + std::to_string(company.proxy_port);
}

// A page that reports what it knows of the session to /told and then goes on to the next; the last is green.
Page stop(const std::string& next) {
  Page page;
  page.body =
      "<!doctype html><meta charset=utf-8><title>rede</title><script>fetch('/told',{method:'POST',body:location.href+' "
      "'+"
      "navigator.language+' '+navigator.languages+' '+Intl.DateTimeFormat().resolvedOptions().timeZone+' '+"
      "new Date(2026,0,1).getTimezoneOffset()}).then(()=>{";
  page.body += next.empty() ? "document.documentElement.style.background='#20c040'" : "location.href='" + next + "'";
  page.body += "})</script>";
  return page;
}

std::string told_at(Company* company, const std::string& start_of_url, const At& at = At::current()) {
  std::string all, found;
  wait_until(20, [&] {
    all.clear();
    for (const PageRequest& told : page_server_requests(company->pages.get(), "/told")) {
      all += told.body + "\n";
      if (told.body.rfind(start_of_url, 0) == 0) found = told.body.substr(told.body.find(' ') + 1);
    }
    return !found.empty();
  });
  check_at(!found.empty(), "no page told anything at " + start_of_url + ", told was:\n" + all, at);
  return found;
}

PageRequest request_of(Company* company, const std::string& path, const At& at = At::current()) {
  std::vector<PageRequest> all = page_server_requests(company->pages.get(), path);
  check_at(!all.empty(), "nobody asked for " + path, at);
  return all.back();
}

std::string address_of(const Entry& entry) {
  return proc_output({"docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", entry.id});
}

Picture wait_screen(const Entry& entry, const std::string& name, unsigned rgb, bool there,
                    const At& at = At::current()) {
  std::string address = address_of(entry);
  Picture picture;
  bool seen = wait_until(30, [&] {
    RfbPtr rfb = rfb_connect(address, 5900);
    return rfb && rfb_frame(rfb.get(), &picture) && (picture_share(picture, rgb) > 0.8) == there;
  });
  png_write("tests/out/network/" + name + ".png", picture);
  check_at(seen, "the screen, see tests/out/network/" + name + ".png", at);
  return picture;
}

Daemon* daemon_for(Scene* scene, const Company& company, const std::string& first_page) {
  Daemon* daemon = scene->daemon;
  const char* image = getenv("SESSION_IMAGE");
  daemon_set(daemon, "VNC_IMAGE", image == nullptr ? "localhost/vnc-orchestrator-session:latest" : image);
  daemon_set(daemon, "VNC_APPNAME", "firefox-kiosk " + first_page);
  daemon_set(daemon, "READY_TIMEOUT_SECONDS", "90");
  daemon_set(daemon, "VNC_DNS", company.gateway);
  daemon_set(daemon, "WARM_POOL_SIZE", "0");
  return daemon;
}

void a_session_is_at_home_behind_a_proxy_that_asks_for_a_password(Scene* scene) {
  auto company = company_at(scene);
  PageServer* pages = company->pages.get();
  const std::string tls = ":" + std::to_string(company->tls_port);
  const std::string plain = page_server_url(pages, "/through");
  // Directly by a name of the company's, through the proxy, and through a tunnel of the proxy's. Only the name server here
  // knows the first name, the proxy does not.
  page_server_set(pages, "/first", stop(plain));
  page_server_set(pages, "/through", stop("https://" + company->gateway + tls + "/tunnel"));
  page_server_set(pages, "/tunnel", stop(""));
  Daemon* daemon = daemon_for(scene, *company, "https://portal.direto.test" + tls + "/first");
  daemon_set(daemon, "VNC_CA_DIR", company->folder + "/ca");
  daemon_set(daemon, "VNC_PROXY", login_url(*company));
  daemon_set(daemon, "VNC_NO_PROXY", ".direto.test");
  daemon_set(daemon, "TZ", "America/Manaus");
  daemon_start(daemon);
  Entry entry = daemon_access(daemon, suite_client(*scene->suite, "ana"));

  wait_screen(entry, "proxy", kGreen, true);
  check_equal(told_at(company.get(), "https://portal.direto.test" + tls + "/first"),
              "pt-BR pt-BR,pt,en-US,en America/Manaus 240", "what the page knows");
  told_at(company.get(), plain);
  told_at(company.get(), "https://" + company->gateway + tls + "/tunnel");
  check_equal(request_of(company.get(), "/first").headers["accept-language"], "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7",
              "Accept-Language");
  check_equal(request_of(company.get(), "/first").headers["via"], "", "Via without the proxy");
  std::string via = request_of(company.get(), "/through").headers["via"];
  check_at(via.find("proxy-da-empresa") != std::string::npos, "Via of what went through the proxy: " + via);
  std::string log = file_text(company->folder + "/tinyproxy.log");
  check_at(log.find("CONNECT " + company->gateway + tls) != std::string::npos, "no tunnel through the proxy:\n" + log);
  check_at(log.find("direto.test") == std::string::npos, "the proxy was asked for what needs none:\n" + log);

  // The password is the session's business.
  std::string shown = daemon_get(daemon, "/status").body;
  daemon_stop(daemon);
  shown += daemon_log(daemon) + daemon_run(daemon, {"--check-config"}).out;
  check_at(shown.find("ana:***@") != std::string::npos && shown.find("se%5Fgr") == std::string::npos,
           "shown is:\n" + shown);
}

// ---- SOCKS 5 (RFC 1928), with a name and a password (RFC 1929) ---------------------------------------------------------------

struct Socks {
  std::mutex mutex;
  std::string login, asked;  // "name:password"; "host:port" of each request, a line each
  RelayPtr relay;
};

bool read_whole(int fd, std::string* out, size_t count) {
  out->assign(count, '\0');
  return recv(fd, out->data(), count, MSG_WAITALL) == static_cast<ssize_t>(count);
}

bool say(int fd, const std::string& bytes) {
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

int connect_to(const std::string& address, int port) {
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0) return fd;
  close(fd);
  return -1;
}

// Names lead to the gateway, as the company's name server has them. -1 for whatever is no request of a browser that names hosts.
int socks_take(Socks* socks, const std::string& gateway, int fd) {
  const timeval patience = {5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string head, name, password, port;
  auto text = [&](std::string* out) { return read_whole(fd, &head, 1) && read_whole(fd, out, static_cast<unsigned char>(head[0])); };
  std::string methods;
  if (!read_whole(fd, &head, 1) || !text(&methods) || methods.find('\x02') == std::string::npos || !say(fd, std::string("\x05\x02"))) return -1;
  if (!read_whole(fd, &head, 1) || !text(&name) || !text(&password) || !say(fd, std::string("\x01\x00", 2))) return -1;
  std::string host;
  if (!read_whole(fd, &head, 4) || head != std::string("\x05\x01\x00\x03", 4) || !text(&host) || !read_whole(fd, &port, 2)) return -1;
  int number = static_cast<unsigned char>(port[0]) << 8 | static_cast<unsigned char>(port[1]);
  {
    std::lock_guard<std::mutex> guard(socks->mutex);
    socks->login = name + ":" + password;
    socks->asked += host + ":" + std::to_string(number) + "\n";
  }
  int other = connect_to(gateway, number);
  if (other >= 0) say(fd, std::string("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10));
  return other;
}

int listen_at(const std::string& address, int port) {
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  check_at(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 && listen(fd, 16) == 0, "cannot listen on " + address);
  return fd;
}

// The name of the page is known to the proxy alone: this session has no name server. The authority is in DER, as Windows exports it.
void a_socks_proxy_finds_names_and_knows_the_login(Scene* scene) {
  auto company = company_at(scene);
  PageServer* pages = company->pages.get();
  const std::string tls = ":" + std::to_string(company->tls_port);
  page_server_set(pages, "/first", stop(""));
  proc_output({"sh", "-ec", "cd \"$1\"; mkdir der; openssl x509 -in ca/empresa.crt -outform der -out der/Empresa.CER", "sh", company->folder});
  auto socks = std::make_shared<Socks>();
  scene->cleanups.push_back([socks] { socks->relay.reset(); });
  const int port = free_port(scene, 2);
  const std::string gateway = company->gateway;
  socks->relay = relay_start_on(listen_at(gateway, port), [socks = socks.get(), gateway](int fd) { return socks_take(socks, gateway, fd); });
  Daemon* daemon = daemon_for(scene, *company, "https://portal.empresa.test" + tls + "/first");
  daemon_set(daemon, "VNC_DNS", "192.0.2.53");
  daemon_set(daemon, "VNC_CA_DIR", company->folder + "/der");
  daemon_set(daemon, "VNC_PROXY", "socks5://ana:se%5Fgr%2Edo1@" + gateway + ":" + std::to_string(port));
  daemon_start(daemon);
  Entry entry = daemon_access(daemon, suite_client(*scene->suite, "clara"));
  wait_screen(entry, "socks", kGreen, true);
  std::lock_guard<std::mutex> guard(socks->mutex);
  check_equal(socks->login, "ana:se_gr.do1", "the login");
  check_at(socks->asked.find("portal.empresa.test" + tls + "\n") != std::string::npos, "asked for was:\n" + socks->asked);
}

// TLS on the way to the proxy itself, which then asks for the password; a network of addresses is reached without it.
void a_proxy_behind_tls_serves_and_networks_are_left_out(Scene* scene) {
  auto company = company_at(scene);
  PageServer* pages = company->pages.get();
  const int port = free_port(scene, 3);
  const std::string& folder = company->folder;
  file_write(folder + "/wrap.conf", "foreground=yes\npid=\nsyslog=no\n[proxy]\naccept=" + company->gateway + ":" + std::to_string(port) +
                                        "\nconnect=" + company->gateway + ":" + std::to_string(company->proxy_port) + "\ncert=" + folder +
                                        "/web.crt\nkey=" + folder + "/web.key\n");
  start(company.get(), &company->wrap, {"stunnel4", folder + "/wrap.conf"}, "stunnel-proxy", port);
  const std::string url = page_server_url(pages, "");
  const std::string named = "http://portal.empresa.test" + url.substr(url.rfind(':'));
  // The proxy knows none of the company's names and says so in its log, after it has taken the password.
  page_server_set(pages, "/first", stop(named + "/second"));
  Daemon* daemon = daemon_for(scene, *company, page_server_url(pages, "/first"));
  daemon_set(daemon, "VNC_CA_DIR", folder + "/ca");
  daemon_set(daemon, "VNC_PROXY", "https://ana:se%5Fgr%2Edo1@" + company->gateway + ":" + std::to_string(port));
  daemon_set(daemon, "VNC_NO_PROXY", company->gateway.substr(0, company->gateway.rfind('.')) + ".0/24");
  daemon_start(daemon);
  daemon_access(daemon, suite_client(*scene->suite, "davi"));
  told_at(company.get(), page_server_url(pages, "/first"));
  check_equal(request_of(company.get(), "/first").headers["via"], "", "Via of an address in a network that needs no proxy");
  std::string log;
  bool asked = wait_until(20, [&] {
    log = file_text(folder + "/tinyproxy.log");
    return log.find("address info for portal.empresa.test") != std::string::npos;
  });
  check_at(asked, "the proxy was not asked, or not with the password:\n" + log);
  check_at(log.find(company->gateway + url.substr(url.rfind(':')) + "/first") == std::string::npos, "asked for what needs none:\n" + log);
}

void a_pac_file_chooses_and_unknown_authorities_are_refused(Scene* scene) {
  auto company = company_at(scene);
  PageServer* pages = company->pages.get();
  const std::string url = page_server_url(pages, "");
  const std::string port = url.substr(url.rfind(':'));
  const std::string proxy = company->gateway + ":" + std::to_string(company->proxy_port);
  Page pac;
  pac.type = "application/x-ns-proxy-autoconfig";
  pac.body = "function FindProxyForURL(url, host) { return dnsDomainIs(host, '.direto.test') ? 'DIRECT' : 'PROXY " +
             proxy + "'; }";
  page_server_set(pages, "/regras", pac);
  page_server_set(pages, "/first", stop(page_server_url(pages, "/through")));
  page_server_set(pages, "/through",
                  stop("https://portal.direto.test:" + std::to_string(company->tls_port) + "/closed"));
  page_server_set(pages, "/closed", stop(""));
  Daemon* daemon = daemon_for(scene, *company, "http://pac.direto.test" + port + "/first");
  // Not called .pac, and with the login of the proxies that it names.
  daemon_set(daemon, "VNC_PROXY", "pac+http://ana:se%5Fgr%2Edo1@" + company->gateway + port + "/regras");
  daemon_set(daemon, "VNC_LANG", "es-AR,de,pt-BR");
  daemon_set(daemon, "TZ", "Asia/Tokyo");
  daemon_start(daemon);
  Entry entry = daemon_access(daemon, suite_client(*scene->suite, "bruno"));

  check_equal(told_at(company.get(), "http://pac.direto.test" + port),
              "es-AR es-AR,es,de,pt-BR,pt,en-US,en Asia/Tokyo -540", "what the page knows");
  told_at(company.get(), page_server_url(pages, "/through"));
  check_equal(request_of(company.get(), "/first").headers["via"], "", "Via of what goes directly");
  std::string via = request_of(company.get(), "/through").headers["via"];
  check_at(via.find("proxy-da-empresa") != std::string::npos, "Via of what the PAC file sends to the proxy: " + via);
  // The same certificate, with no folder of authorities: an error page, which is no green one, and nobody was asked for anything.
  sleep(2);
  wait_screen(entry, "unknown-authority", kGreen, false);
  check_at(page_server_requests(pages, "/closed").empty(), "a page was fetched over TLS that nobody vouches for");
}

}  // namespace

int main() {
  return suite_main("network", {
                                   E2E_TEST(a_session_is_at_home_behind_a_proxy_that_asks_for_a_password),
                                   E2E_TEST(a_socks_proxy_finds_names_and_knows_the_login),
                                   E2E_TEST(a_proxy_behind_tls_serves_and_networks_are_left_out),
                                   E2E_TEST(a_pac_file_chooses_and_unknown_authorities_are_refused),
                               });
}
