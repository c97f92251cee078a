// The kernel's words about memory, of both versions of control groups.
#include "codec/proc_memory.h"

#include "support/cmocka_cc.h"

static void test_the_machines_memory(void**) {
  MachineMemory seen{1, 2};
  assert_true(proc_machine_memory("MemTotal:        8153652 kB\nMemFree:          300000 kB\nMemAvailable:    6153652 kB\n", &seen));
  assert_int_equal(seen.total_kib, 8153652);
  assert_int_equal(seen.available_kib, 6153652);
  for (const char* text : {"", "MemTotal: 5 kB\n", "MemAvailable: 5 kB\n", "MemTotal: x kB\nMemAvailable: 5 kB\n", "MemTotal: 0 kB\nMemAvailable: 0 kB\n"})
    assert_false(proc_machine_memory(text, &seen));
  assert_int_equal(seen.total_kib, 8153652);
}

static void test_where_a_group_tells(void**) {
  const char* first = "12:pids:/docker/abc\n9:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/system.slice/x\n";
  assert_string_equal(proc_memory_stat_path(first).c_str(), "/memory/docker/abc/memory.stat");
  assert_string_equal(proc_memory_stat_path("0::/system.slice/docker-abc.scope\n").c_str(), "/system.slice/docker-abc.scope/memory.stat");
  assert_string_equal(proc_memory_stat_path("1:name=systemd:/docker/abc\n").c_str(), "");
  assert_string_equal(proc_memory_stat_path("0::/../../elsewhere\n").c_str(), "");
  assert_string_equal(proc_memory_stat_path("").c_str(), "");
}

static void test_what_a_group_uses(void**) {
  assert_int_equal(proc_memory_used_kib("cache 999999\nrss 4096\ntotal_cache 999999\ntotal_rss 209715200\ntotal_shmem 10485760\n"), 210 * 1024);
  assert_int_equal(proc_memory_used_kib("anon 209715200\nfile 999999999\nshmem 10485760\nanon_thp 5\n"), 210 * 1024);
  assert_int_equal(proc_memory_used_kib("anon_thp 209715200\n"), 0);
  assert_int_equal(proc_memory_used_kib(""), 0);
}

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_the_machines_memory), cmocka_unit_test(test_where_a_group_tells), cmocka_unit_test(test_what_a_group_uses)};
  return cmocka_run_group_tests_name("proc_memory", tests, nullptr, nullptr);
}
