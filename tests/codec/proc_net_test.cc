// The kernel's tables: which connections are somebody who watches.
#include "codec/proc_net.h"

#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "support/cmocka_cc.h"

static const char* const kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 00000000:17C0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0\n"
    "   1: 0200120A:17C0 0100120A:A2B4 01 00000000:00000000 02:000AF14D 00000000     0        0 102 2 0 20 4 30 10 -1\n"
    "   2: 0100007F:170C 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 103 1 0 20 4 30 10 -1\n"
    "   3: 0200120A:17C0 0100120A:A2B6 06 00000000:00000000 03:000011BC 00000000     0        0 0 3 0\n"
    "   4: 0200120A:17C0 0100120A:A2B8 01 00000100:00000000 01:00000BB8 00000009     0        0 104 2 0 20 4 30 10 -1\n";

static const char* const kTable6 =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt\n"
    "   0: 0000000000000000FFFF00000200120A:17C0 0000000000000000FFFF00000100120A:A2B4 01 00000000:00000000 00:00000000 00000000 0 0 7 1 0\n"
    "   1: B80D0120000000000000000002000000:17C0 B80D0120000000000000000001000000:A2B4 01 00000000:00000000 00:00000000 00000000 0 0 8 1 0\n"
    "   2: 00000000000000000000000001000000:17C0 00000000000000000000000001000000:A2B6 01 00000000:00000000 00:00000000 00000000 0 0 9 1 0\n";

static IpAddress address(const char* text) {
  IpAddress out = {};
  std::string mapped = strchr(text, ':') != nullptr ? text : std::string("::ffff:") + text;
  assert_int_equal(inet_pton(AF_INET6, mapped.c_str(), out.data()), 1);
  return out;
}

static int viewers(const std::vector<TcpConnection>& connections, int port) {
  int count = 0;
  for (const TcpConnection& one : connections) count += proc_is_viewer(one, port);
  return count;
}

static void test_established_ones_alone(void**) {
  const std::vector<TcpConnection> found = proc_tcp_established(kTable);
  assert_int_equal(found.size(), 3);
  assert_true(found[0].local == address("10.18.0.2") && found[0].remote == address("10.18.0.1"));
  assert_int_equal(found[0].local_port, 6080);
  assert_int_equal(found[0].retransmits, 0);
  assert_int_equal(found[2].retransmits, 9);
  assert_int_equal(viewers(found, 6080), 1);
  assert_int_equal(viewers(found, 5900), 0);
}

static void test_ipv6_and_what_is_mapped_into_it(void**) {
  const std::vector<TcpConnection> found = proc_tcp_established(kTable6);
  assert_int_equal(found.size(), 3);
  assert_true(found[0].remote == address("10.18.0.1"));
  assert_true(found[1].local == address("2001:db8::2") && found[1].remote == address("2001:db8::1"));
  assert_int_equal(viewers(found, 6080), 2);  // its own health check comes over ::1
}

static void test_who_is_inside_is_no_viewer(void**) {
  for (const char* inside : {"127.0.0.1", "127.9.8.7", "::1", "10.18.0.2"}) {
    TcpConnection one{address("10.18.0.2"), address(inside), 6080, 0, 0};
    assert_false(proc_is_viewer(one, 6080));
  }
  for (const char* outside : {"10.18.0.1", "128.0.0.1", "::2", "fe80::1"}) {
    TcpConnection one{address("10.18.0.2"), address(outside), 6080, 0, 0};
    assert_true(proc_is_viewer(one, 6080));
  }
}

static void test_who_is_long_gone_is_none(void**) {
  TcpConnection one{address("10.18.0.2"), address("10.18.0.1"), 6080, 7, 7200000};
  assert_true(proc_is_viewer(one, 6080));
  one.retransmits = 8;
  assert_false(proc_is_viewer(one, 6080));
  one.silent_ms = 49999;
  assert_true(proc_is_viewer(one, 6080));
  one.silent_ms = 50000;
  assert_false(proc_is_viewer(one, 6080));
  one.retransmits = 0;
  one.silent_ms = 7200001;
  assert_false(proc_is_viewer(one, 6080));
}

static void test_counters(void**) {
  const char* snmp =
      "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
      "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs\n"
      "Tcp: 1 200 120000 -1 7 31 0 2 4 999 998 5\n"
      "Udp: InDatagrams\nUdp: 5\n";
  TcpCounters counters;
  assert_true(proc_tcp_counters(snmp, &counters));
  assert_int_equal(counters.established, 4);
  assert_int_equal(counters.passive_opens, 31);
  assert_int_equal(counters.retransmitted, 5);
  const TcpCounters before = counters;
  for (const char* bad : {"", "Tcp:", "Tcp: CurrEstab\nTcp: 1\n", "Udp: InDatagrams\nUdp: 5\n", "Tcp: CurrEstab PassiveOpens RetransSegs\nTcp: x 1 1\n",
                          "Tcp: CurrEstab PassiveOpens RetransSegs\nTcp: 1 1\n", "Tcp: CurrEstab PassiveOpens\nTcp: 1 1\n"}) {
    assert_false(proc_tcp_counters(bad, &counters));
    assert_true(counters == before);
  }
}

static void test_lines_that_are_none(void**) {
  for (const char* bad : {"", "\n\n", "x", " 0: 0200120A:17C0", " 0: 0200120A:17C0 0100120A:A2B4 01 0:0 0:0", " 0: 0200120:17C0 0100120A:A2B4 01 a b 0",
                          " 0: ZZZZZZZZ:17C0 0100120A:A2B4 01 a b 00000000", " 0: 0200120A:17C0 0100120A:A2B4 1x a b 00000000"}) {
    assert_int_equal(proc_tcp_established(bad).size(), 0);
  }
}

static void test_whose_process(void**) {
  const std::string id(64, 'a');
  assert_true(proc_cgroup_of("12:pids:/docker/" + id + "\n0::/\n", id));
  assert_true(proc_cgroup_of("0::/system.slice/docker-" + id + ".scope\n", id));
  assert_false(proc_cgroup_of("0::/user.slice\n", id));
  assert_false(proc_cgroup_of("0::/user.slice\n", ""));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_established_ones_alone),      cmocka_unit_test(test_ipv6_and_what_is_mapped_into_it),
      cmocka_unit_test(test_who_is_inside_is_no_viewer), cmocka_unit_test(test_who_is_long_gone_is_none),
      cmocka_unit_test(test_counters),                   cmocka_unit_test(test_lines_that_are_none),
      cmocka_unit_test(test_whose_process),
  };
  return cmocka_run_group_tests_name("codec/proc_net", tests, nullptr, nullptr);
}
