// Whose requests are let in by which door, browser by browser, site by site.
#include "codec/origin.h"

#include "codec/settings.h"
#include "support/cmocka_cc.h"

static const OwnHosts& own() {
  static const OwnHosts hosts = [] {
    Settings settings;
    settings.vnc_host = "VNC.example.org";
    settings.orchestrator_host = "0.0.0.0";
    settings.vnc_access_url = "https://portal.example.org:8443/vnc?x=1";
    settings.allowed_hosts = "admin.example.org,Web.example.org:8081";
    return origin_own_hosts(settings, "srv1.lan");
  }();
  return hosts;
}

struct Case {
  const char* what;
  RequestSource source;
  bool visitor;  // /access
  bool admin;
};

static void test_who_is_inside_a_session(void**) {
  const std::vector<std::string> subnets = {"10.10.0.0/23", "fd12:3456::/64", "192.0.2.7/32"};
  for (const char* inside : {"10.10.0.2", "10.10.1.255", "::ffff:10.10.0.2", "fd12:3456::9", "192.0.2.7"}) assert_true(origin_is_session(inside, subnets));
  for (const char* outside : {"127.0.0.1", "10.10.2.0", "10.9.255.255", "fd12:3456:0:1::9", "::1", "192.0.2.6", "", "unix", "::ffff:10.10.2.0"})
    assert_false(origin_is_session(outside, subnets));
  for (const char* odd : {"", "10.10.0.0", "10.10.0.0/33", "x/8", "10.10.0.0/"}) assert_false(origin_is_session("10.10.0.2", {odd}));
  assert_true(origin_is_session("10.10.0.2", {"0.0.0.0/0"}));
}

static void test_who_comes_in(void**) {
  const Case cases[] = {
      {"curl", {.host = "localhost:8080"}, true, true},
      {"HTTP/1.0", {}, true, true},
      {"an address typed into a browser", {.host = "localhost:8080", .fetch_site = "none", .fetch_mode = "navigate"}, true, true},
      {"a page of our own site", {.host = "localhost:8080", .referer = "http://localhost:8080/status", .fetch_site = "same-origin", .fetch_mode = "cors"}, true, true},
      {"the same in an old browser", {.host = "10.0.0.5:8080", .referer = "http://10.0.0.5:8080/status"}, true, true},

      {"another site's link", {.host = "localhost:8080", .referer = "http://evil.test/", .fetch_site = "cross-site", .fetch_mode = "navigate"}, true, false},
      {"the same, Referer left out", {.host = "localhost:8080", .fetch_site = "cross-site", .fetch_mode = "navigate"}, true, false},
      {"another site's picture", {.host = "localhost:8080", .fetch_site = "cross-site", .fetch_mode = "no-cors"}, false, false},
      {"another site's script", {.host = "localhost:8080", .origin = "http://evil.test", .fetch_site = "cross-site", .fetch_mode = "cors"}, false, false},
      {"a websocket of another site", {.host = "localhost:8080", .origin = "http://evil.test", .fetch_site = "cross-site", .fetch_mode = "websocket"}, false, false},
      {"another port of this host, its link", {.host = "localhost:8080", .fetch_site = "same-site", .fetch_mode = "navigate"}, true, false},
      {"another port of this host, its script", {.host = "localhost:8080", .fetch_site = "same-site", .fetch_mode = "cors"}, false, false},
      {"a word that no browser says today", {.host = "localhost:8080", .fetch_site = "elsewhere", .fetch_mode = "navigate"}, true, false},
      {"a site without a mode", {.host = "localhost:8080", .fetch_site = "cross-site"}, false, false},

      // Plain http to an address: no Sec-Fetch-*.
      {"a link over plain http", {.host = "10.0.0.5:8080", .referer = "http://portal.test/menu"}, true, false},
      {"a script over plain http", {.host = "10.0.0.5:8080", .origin = "http://evil.test"}, false, false},
      {"a script of a sandbox", {.host = "10.0.0.5:8080", .origin = "null"}, false, false},
      {"another port over plain http", {.host = "10.0.0.5:8080", .referer = "http://10.0.0.5:5001/"}, true, false},
      {"a Referer that is no URL", {.host = "10.0.0.5:8080", .referer = "10.0.0.5:8080"}, true, false},
      {"our address in the path of another's", {.host = "10.0.0.5:8080", .referer = "http://evil.test/10.0.0.5:8080"}, true, false},
      {"our address at the end of another's", {.host = "10.0.0.5:8080", .referer = "http://10.0.0.5:8080.evil.test/"}, true, false},
      {"our address as another's user", {.host = "10.0.0.5:8080", .referer = "http://10.0.0.5:8080@evil.test/"}, true, false},

      // DNS rebinding: the browser takes that page for one of ours.
      {"a name that leads to us", {.host = "evil.test:8080", .fetch_site = "same-origin", .fetch_mode = "cors"}, true, false},
      {"the same without another header", {.host = "evil.test:8080"}, true, false},
      {"the same, dotted", {.host = "evil.test.:8080"}, true, false},
      {"ours within its name", {.host = "localhost.evil.test"}, true, false},
      {"an address within its name", {.host = "127.0.0.1.evil.test"}, true, false},
      {"what looks like an IPv6 address", {.host = "[evil.test]:8080"}, true, false},

      // A proxy that puts another Host in the place of its own.
      {"our own page behind it", {.host = "127.0.0.1:8080", .referer = "https://vnc.example.org/menu", .fetch_site = "same-origin", .fetch_mode = "cors"}, true, true},
      {"the same over plain http, listed", {.host = "127.0.0.1:8080", .referer = "http://admin.example.org/menu"}, true, true},
      {"another port of a listed name", {.host = "127.0.0.1:8080", .referer = "http://admin.example.org:5001/"}, true, false},
      {"a listed port", {.host = "127.0.0.1:8080", .origin = "http://web.example.org:8081"}, true, true},
      {"a name of ours that is not listed", {.host = "127.0.0.1:8080", .referer = "http://vnc.example.org/menu"}, true, false},
      {"a listed page that its browser calls another site's", {.host = "127.0.0.1:8080", .referer = "http://admin.example.org/menu", .fetch_site = "cross-site", .fetch_mode = "navigate"}, true, false},
  };
  for (const Case& one : cases) {
    const std::string visitor = origin_refusal(Door::Visitor, one.source, own()), admin = origin_refusal(Door::Admin, one.source, own());
    if (visitor.empty() != one.visitor) fail_msg("/access, %s: '%s'", one.what, visitor.c_str());
    if (admin.empty() != one.admin) fail_msg("/status, %s: '%s'", one.what, admin.c_str());
    assert_string_equal(origin_refusal(Door::Open, one.source, own()).c_str(), "");
  }
}

static void test_names_that_are_ours(void**) {
  for (const char* host :
       {"localhost", "localhost:8080", "LOCALHOST.", "127.0.0.1", "10.0.0.5:8080", "[::1]", "[fd00::5]:8080", "orchestrator:8080", "vnc.example.org",
        "Vnc.Example.Org:9999", "portal.example.org", "srv1.lan:8080", "admin.example.org:1234", "web.example.org:8081"}) {
    const std::string why = origin_refusal(Door::Admin, {.host = host}, own());
    if (!why.empty()) fail_msg("%s: %s", host, why.c_str());
  }
  for (const char* host : {"example.org", "xvnc.example.org", "vnc.example.org.evil.test", "srv1.lan.evil.test", "web.example.org:8082", "1.2.3", "1.2.3.4.5:80"}) {
    const std::string why = origin_refusal(Door::Admin, {.host = host}, own());
    if (why.empty()) fail_msg("%s is let in", host);
    assert_true(why.find("ALLOWED_HOSTS") != why.npos);
  }
}

static void test_nothing_is_asked_for_beforehand(void**) {
  for (const char* purpose : {"prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip", "Preview", "PREFETCH"}) {
    for (const char* site : {"", "none", "same-origin", "cross-site"}) {
      const RequestSource source = {.host = "localhost", .fetch_site = site, .fetch_mode = site[0] ? "navigate" : "", .purpose = purpose};
      assert_string_not_equal(origin_refusal(Door::Visitor, source, own()).c_str(), "");
      assert_string_not_equal(origin_refusal(Door::Admin, source, own()).c_str(), "");
      assert_string_equal(origin_refusal(Door::Open, source, own()).c_str(), "");
    }
  }
  assert_string_equal(origin_refusal(Door::Visitor, {.host = "localhost", .purpose = "else"}, own()).c_str(), "");
}

static void test_what_is_said_names_the_page_in_one_line(void**) {
  const std::string why = origin_refusal(Door::Admin, {.host = "localhost", .referer = "http://Evil.test\x1b[31m:81/x?y"}, own());
  assert_string_equal(why.c_str(), "Another site's page (evil.test\\x1B[31m:81) may not do this: type the address into the browser, or use curl.");
  assert_true(origin_refusal(Door::Admin, {.host = "evil.test\x01"}, own()).find("evil.test\\x01:") != std::string::npos);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_who_is_inside_a_session),
      cmocka_unit_test(test_who_comes_in),
      cmocka_unit_test(test_names_that_are_ours),
      cmocka_unit_test(test_nothing_is_asked_for_beforehand),
      cmocka_unit_test(test_what_is_said_names_the_page_in_one_line),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
