// Shapes of host names, addresses, subnets and image names.
#include "codec/shape.h"

#include <initializer_list>
#include <string>

#include "support/cmocka_cc.h"

using Texts = std::initializer_list<std::string>;

static void assert_all(bool (*shape)(std::string_view), const Texts& good, const Texts& bad) {
  for (const std::string& text : good) {
    if (!shape(text)) fail_msg("refused: '%s'", text.c_str());
  }
  for (const std::string& text : bad) {
    if (shape(text)) fail_msg("accepted: '%s'", text.c_str());
  }
}

static void test_ipv4(void**) {
  assert_all(shape_is_ipv4, {"0.0.0.0", "127.0.0.1", "255.255.255.255", "10.20.30.40"},
             {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-1", "1.2.3.-0", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..3.4",
              ".1.2.3", "1.2.3.", "a.b.c.d", "1.2.3.0x4", "1.2.3.+4", "1.2.3.1000"});
}

static void test_ipv6(void**) {
  assert_all(shape_is_ipv6,
             {"::", "::1", "1::", "fe80::1", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
              "::ffff:1.2.3.4", "2001:DB8::a", "1:2:3:4:5:6:1.2.3.4"},
             {"",
              ":",
              ":::",
              "1",
              "1:2",
              "1:2:3:4:5:6:7",
              "1:2:3:4:5:6:7:8:9",
              "1::2::3",
              "::1::",
              "12345::",
              "g::",
              "1:",
              ":1",
              "fe80::1%eth0",
              "[::1]",
              "::1.2.3",
              "1.2.3.4::",
              "::1.2.3.4:5",
              "1:2:3:4:5:6:7:1.2.3.4",
              "1.2.3.4",
              "1:2:3:4:5:6:7:8::"});
}

static void test_host_name(void**) {
  assert_all(shape_is_host_name,
             {"localhost", "a", "vnc.example.com", "my-host", "my_host", "192.168.1.100", "3com.com", "1a",
              std::string(63, 'a'), "a.b.c.1d"},
             {"",
              ".",
              "a.",
              ".a",
              "a..b",
              "-a",
              "a-",
              "a.-b",
              "a b",
              "a/b",
              "a:80",
              "http://a",
              "192.168.1",
              "192.168.1.300",
              "1",
              "\xC3\xA9.com",
              std::string(64, 'a'),
              "[::1]",
              "::1",
              "a\n",
              "a%"});
  std::string longest =
      std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(61, 'a');
  assert_true(shape_is_host_name(longest));
  assert_false(shape_is_host_name(longest + "a"));
}

static bool is_subnet(std::string_view text) {
  int prefix = 0;
  return shape_parse_subnet(text, &prefix);
}

static void test_subnet(void**) {
  assert_all(is_subnet,
             {"10.10.0.0/24", "10.0.0.0/8", "192.168.4.8/29", "192.168.4.4/30", "172.16.0.0/12", "198.18.0.0/15"},
             {"",
              "10.10.0.0",
              "10.10.0.0/",
              "/24",
              "10.10.0.1/24",
              "10.10.0.4/29",
              "10.10.0.0/7",
              "10.10.0.0/31",
              "10.10.0.0/32",
              "10.10.0.0/024",
              "10.10.0.0/08",
              "10.10.0.0/-8",
              "10.10.0/24",
              "10.10.0.0/24 ",
              "10.10.0.0/24/1",
              "127.0.0.0/8",
              "0.0.0.0/8",
              "224.0.0.0/8",
              "240.0.0.0/8",
              "fd00::/64",
              "10.128.0.0/8"});
  int prefix = 7;
  assert_false(shape_parse_subnet("10.10.0.1/24", &prefix));
  assert_int_equal(prefix, 7);
  assert_true(shape_parse_subnet("10.10.0.0/16", &prefix));
  assert_int_equal(prefix, 16);
}

static void test_room(void**) {
  assert_int_equal(shape_subnet_room(29), 5);  // seen: the sixth container finds no address
  assert_int_equal(shape_subnet_room(30), 1);
  assert_int_equal(shape_subnet_room(24), 253);
  assert_int_equal(shape_subnet_room(8), 16777213);
}

static void test_image(void**) {
  const std::string digest = "@sha256:" + std::string(64, 'a');
  assert_all(shape_is_image,
             {"a", "debian", "debian:bookworm-slim", "localhost/vnc-orchestrator-session:latest",
              "ghcr.io/giovannemendonca/firefox-flash-kiosk:4bda8f1", "localhost:5000/a/b:c", "a/b/c", "a.b_c__d-e---f",
              "registry.example.com:443/a", "MyHost/a", "[::1]:5000/a", "a:T_a.g-1", "a" + digest, "a:b" + digest,
              "sha256:" + std::string(64, 'f'), "0ad4f3", "a:" + std::string(128, 'x')},
             {"",
              " ",
              "a b",
              "A",
              "Debian:latest",
              "a/B",
              "a:",
              ":a",
              "a:.b",
              "a:-b",
              "a/",
              "/a",
              "a//b",
              "a..b",
              "a___b",
              "-a",
              "a-",
              "a._b",
              "a@",
              "a@sha256:abc",
              "a@md5:" + std::string(64, 'a'),
              "http://a/b",
              "a:b:c",
              "a:b/c:d:e",
              "host:port/a",
              "host:0/a",
              "a\n",
              "a:" + std::string(129, 'x'),
              "\xC3\xA9",
              "ghcr.io/..."});
}

static void test_network_name(void**) {
  assert_all(shape_is_network_name, {"vnc_network", "a", "_x", "A.b-c", std::string(128, 'n'), "bridge2"},
             {"", ".a", "-a", "a b", "a/b", "bridge", "host", "none", "default", "ingress", std::string(129, 'n'),
              "a:b", "a\n"});
}

static void test_control(void**) {
  assert_all(shape_has_control, {"a\n", "\x7F", std::string(1, '\0'), "\t", "caf\xE9", "\xC2\x9B", "\xE2\x80\xAE"},
             {"", "a b", "\xC3\xA9", "~", "back\\slash \\n"});
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_ipv4),         cmocka_unit_test(test_ipv6),    cmocka_unit_test(test_host_name),
      cmocka_unit_test(test_subnet),       cmocka_unit_test(test_room),    cmocka_unit_test(test_image),
      cmocka_unit_test(test_network_name), cmocka_unit_test(test_control),
  };
  return cmocka_run_group_tests_name("codec/shape", tests, nullptr, nullptr);
}
