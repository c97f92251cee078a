// Clients in lines of the log, with MASK_IDS.
#include "codec/mask.h"
#include "support/cmocka_cc.h"

static void is(const char* line, const char* shown) { assert_string_equal(mask_line(line, "vnc_network").c_str(), shown); }

static void test_clients(void**) {
  assert_string_equal(mask_client("11122233344").c_str(), "***.222.333-**");
  assert_string_equal(mask_client("111.222.333-44").c_str(), "***.222.333-**");
  assert_string_equal(mask_client("maria.silva").c_str(), "ma***");
  assert_string_equal(mask_client("anas").c_str(), "***");
  assert_string_equal(mask_client("").c_str(), "***");
  assert_string_equal(mask_client("111222333445").c_str(), "11***");
}

static void test_where_they_stand(void**) {
  is("REUSE -> container=b4dd386af519 port=5001 CPF=11122233344", "REUSE -> container=b4dd386af519 port=5001 CPF=***.222.333-**");
  is("-------- Request for CPF=maria-01 --------", "-------- Request for CPF=ma*** --------");
  is("it is that of CPF=maria.", "it is that of CPF=ma***.");
  is("CPF=11122233344 was answered 503: x", "CPF=***.222.333-** was answered 503: x");
  is("name=vnc_11122233344 port=5001", "name=vnc_***.222.333-** port=5001");
  is("container name \"/vnc_maria\" is already in use", "container name \"/vnc_ma***\" is already in use");
  is("Bad id 111.222.333-44, twice 111222333-44", "Bad id ***.222.333-**, twice ***.222.333-**");
  is("CPF=11122233344,CPF=55566677788", "CPF=***.222.333-**,CPF=***.666.777-**");
}

static void test_what_is_none_stays(void**) {
  for (const char* line : {"Network vnc_network reused: 10.98.0.0/24", "name=vnc_pool_5001 port=5001", "vnc__0123456789abcdef0123456789abcdef is there",
                           "container=111222333444 port=5001", "container=a11122233344 x", "2026-11-27 17:33:46,530", "port 5001 of 2048",
                           "Engine 20.10.24 answers", "request=fd099e-22", "111.222.333", "", "CPF=", "vnc_", "1.2.3.4:8080", "112223334455667788"})
    is(line, line);
  assert_string_equal(mask_line("Network vnc_networks reused", "vnc_network").c_str(), "Network vnc_ne*** reused");
}

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_clients), cmocka_unit_test(test_where_they_stand), cmocka_unit_test(test_what_is_none_stays)};
  return cmocka_run_group_tests_name("codec/mask", tests, nullptr, nullptr);
}
