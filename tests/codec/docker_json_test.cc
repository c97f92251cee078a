// Docker's bodies both ways, on answers recorded from engine 20.10 and on documented ones of newer engines (see recorded/README.md).
// Run from the root of the repository.
#include "codec/docker_json.h"

#include <jansson.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <iterator>

#include "support/cmocka_cc.h"

static std::string recorded(const std::string& name) {
  const std::string path = "tests/codec/recorded/" + name;
  FILE* file = fopen(path.c_str(), "r");
  if (file == nullptr) fail_msg("cannot open %s", path.c_str());
  std::string text(1 << 20, '\0');
  text.resize(fread(text.data(), 1, text.size(), file));
  fclose(file);
  return text;
}

static std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// ---- what we send ------------------------------------------------------------------------------------------------------

static LaunchSpec some_spec() {
  LaunchSpec spec;
  spec.image = "img:1";
  spec.name = "vnc_1";
  spec.network = "vnc_network";
  spec.bind_address = "127.0.0.1";
  spec.host_port = 5000;
  spec.container_port = 6080;
  spec.env = {{"APPNAME", "firefox-kiosk \"https://a/b\""}, {"WIDTH", "410"}};
  spec.labels = {{kLabelInstance, "vnc_network"}, {kLabelRun, "r"}};
  return spec;
}

static void test_create_body(void**) {
  assert_string_equal(
      docker_create_body(some_spec()).c_str(),
      "{\"Image\":\"img:1\",\"Env\":[\"APPNAME=firefox-kiosk \\\"https://a/b\\\"\",\"WIDTH=410\"],"
      "\"Labels\":{\"io.vnc-orchestrator.instance\":\"vnc_network\",\"io.vnc-orchestrator.run\":\"r\"},"
      "\"ExposedPorts\":{\"6080/tcp\":{}},"
      "\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"no\"},"
      "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"10m\",\"max-file\":\"2\"}},"
      "\"ShmSize\":268435456,\"Init\":false,\"NetworkMode\":\"vnc_network\","
      "\"PortBindings\":{\"6080/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"5000\"}]},\"Mounts\":[]}}");
}

static void test_create_body_mounts_are_read_only(void**) {
  LaunchSpec spec = some_spec();
  spec.mounts = {{"/h/a b.pem", "/run/c.pem"}, {"/h/k", "/run/k"}};
  const std::string body = docker_create_body(spec);
  assert_non_null(
      strstr(body.c_str(),
             "\"Mounts\":[{\"Type\":\"bind\",\"ReadOnly\":true,\"Source\":\"/h/a b.pem\",\"Target\":\"/run/c.pem\"},"
             "{\"Type\":\"bind\",\"ReadOnly\":true,\"Source\":\"/h/k\",\"Target\":\"/run/k\"}]"));
}

static void test_create_body_name_servers(void**) {
  LaunchSpec spec = some_spec();
  spec.dns = {"10.0.0.1", "::1"};
  assert_non_null(strstr(docker_create_body(spec).c_str(), "\"Dns\":[\"10.0.0.1\",\"::1\"]"));
}

static void test_create_body_limits(void**) {
  LaunchSpec spec = some_spec();
  spec.memory_bytes = int64_t{2} << 30;
  spec.cpu_percent = 150;
  spec.processes = 1024;
  spec.confined = true;
  assert_non_null(strstr(docker_create_body(spec).c_str(),
                         "\"Mounts\":[],\"Memory\":2147483648,\"MemorySwap\":2147483648,\"CpuPeriod\":100000,\"CpuQuota\":150000,"
                         "\"PidsLimit\":1024,\"CapDrop\":[\"ALL\"],\"CapAdd\":[],\"SecurityOpt\":[\"no-new-privileges\"]}}"));
  spec.capabilities = {"CHOWN", "SETUID"};
  assert_non_null(strstr(docker_create_body(spec).c_str(), "\"CapAdd\":[\"CHOWN\",\"SETUID\"]"));
}

static void test_create_body_is_json_whatever_the_text(void**) {
  LaunchSpec spec = some_spec();
  spec.env = {{"APPNAME", "a\xFF\"\\\n{"}};
  json_t* json = json_loads(docker_create_body(spec).c_str(), 0, nullptr);
  assert_non_null(json);
  assert_int_equal(json_array_size(json_object_get(json, "Env")), 1);
  json_decref(json);
}

static void test_network_body(void**) {
  assert_string_equal(docker_network_body({"vnc_network", "10.10.0.0/24", "vnc_network"}).c_str(),
                      "{\"Driver\":\"bridge\",\"CheckDuplicate\":true,\"Name\":\"vnc_network\","
                      "\"IPAM\":{\"Driver\":\"default\",\"Config\":[{\"Subnet\":\"10.10.0.0/24\"}]},"
                      "\"Options\":{\"com.docker.network.bridge.enable_icc\":\"false\"},"
                      "\"Labels\":{\"io.vnc-orchestrator.instance\":\"vnc_network\"}}");
}

// ---- versions -----------------------------------------------------------------------------------------------------------

static EngineVersion version_of(const char* name) {
  EngineVersion version;
  std::string error;
  if (!docker_parse_version(recorded(name), &version, &error)) fail_msg("%s: %s", name, error.c_str());
  return version;
}

static void assert_api(const EngineVersion& offered, const char* wanted) {
  std::string api, error;
  if (!docker_choose_api(offered, &api, &error)) fail_msg("refused: %s", error.c_str());
  assert_string_equal(api.c_str(), wanted);
  assert_true(error.empty());
}

static void assert_no_api(const EngineVersion& offered, const char* wanted) {
  std::string api = "as it was", error;
  assert_false(docker_choose_api(offered, &api, &error));
  assert_string_equal(error.c_str(), wanted);
  assert_string_equal(api.c_str(), "as it was");
}

static void test_versions(void**) {
  const EngineVersion here = version_of("20.10-version.json");
  assert_string_equal(here.engine.c_str(), "20.10.24+dfsg1");
  assert_string_equal(here.api.c_str(), "1.41");
  assert_string_equal(here.api_minimum.c_str(), "1.12");
  assert_api(here, "1.41");
  assert_api(version_of("documented-1.44-version.json"), "1.44");
  const EngineVersion new_one = version_of("documented-1.52-version.json");
  assert_string_equal(new_one.engine.c_str(), "29.0.0");
  assert_string_equal(new_one.api_minimum.c_str(), "1.44");
  assert_api(new_one, "1.52");
  assert_api(version_of("documented-1.54-version.json"), "1.52");
}

static void test_versions_at_the_edges(void**) {
  assert_api({"x", "1.41", "1.41"}, "1.41");
  assert_api({"x", "1.41", ""}, "1.41");
  assert_api({"x", "1.100", "1.52"}, "1.52");
  assert_api({"x", "2.0", "1.9"}, "1.52");
  assert_no_api({"19.03.15", "1.40", "1.12"},
                "Docker engine 19.03.15 is too old: it speaks API 1.40, and 1.41 is needed (engine 20.10 or newer)");
  assert_no_api({"1.9", "1.9", "1.9"},
                "Docker engine 1.9 is too old: it speaks API 1.9, and 1.41 is needed (engine 20.10 or newer)");
  assert_no_api({"40.0", "1.60", "1.53"},
                "Docker engine 40.0 is too new: it speaks no API below 1.53, and 1.52 is the newest known here; a "
                "newer orchestrator is needed");
  for (const char* bad : {"", "1", "1.", ".41", "1.41.2", "1.x", "v1.41", "-1.41"}) {
    std::string api, error;
    assert_false(docker_choose_api({"x", bad, "1.12"}, &api, &error));
    assert_non_null(strstr(error.c_str(), "cannot be read"));
  }
}

// ---- containers ---------------------------------------------------------------------------------------------------------

static ContainerInfo inspected(const char* name, const char* network = "codect_net", int port = 6080) {
  ContainerInfo info;
  std::string error;
  if (!docker_parse_inspect(recorded(name), network, port, &info, &error)) fail_msg("%s: %s", name, error.c_str());
  return info;
}

static void test_created(void**) {
  std::string id = "as it was", error;
  assert_true(docker_parse_created(recorded("20.10-created.json"), &id, &error));
  assert_int_equal(id.size(), 64);
  assert_true(id == inspected("20.10-inspect-created.json").id);
  for (const char* bad :
       {"", "{}", "[]", "null", "{\"Id\":\"\"}", "{\"Id\":7}", "{\"Id\":\"57a82c89c24f\"}", "not json"}) {
    id = "as it was";
    error.clear();
    assert_false(docker_parse_created(bad, &id, &error));
    assert_string_equal(id.c_str(), "as it was");
    assert_false(error.empty());
  }
}

static void test_inspect_running(void**) {
  const ContainerInfo info = inspected("20.10-inspect-running.json");
  assert_string_equal(info.name.c_str(), "codect_plain");
  assert_string_equal(info.image.c_str(), "localhost/codect-busybox");
  assert_true(info.state == ContainerState::Running);
  assert_true(info.health == ContainerHealth::None);
  assert_int_equal(info.host_port, 47811);
  assert_true(info.on_network);
  assert_string_equal(info.instance.c_str(), "codect_net");
  assert_string_equal(info.run.c_str(), "run7");
  assert_string_equal(info.job.c_str(), "job9");
  assert_string_equal(info.fingerprint.c_str(), "0123456789abcdef");
  assert_string_equal(info.width.c_str(), "1024");
  assert_string_equal(info.height.c_str(), "768");
  assert_int_equal(info.created_us / 1000000, 1795509292);
  assert_int_equal(info.exit_code, 0);
  assert_false(info.oom_killed);
  assert_true(info.state_error.empty() && info.health_output.empty());
  // Another network, another port.
  assert_false(inspected("20.10-inspect-running.json", "codect").on_network);
  assert_int_equal(inspected("20.10-inspect-running.json", "codect_net", 608).host_port, 0);
}

static void test_inspect_in_every_state(void**) {
  assert_true(inspected("20.10-inspect-created.json").state == ContainerState::Created);
  assert_int_equal(inspected("20.10-inspect-created.json").host_port, 0);
  assert_true(inspected("20.10-inspect-created.json").on_network);
  assert_true(inspected("20.10-inspect-starting.json").health == ContainerHealth::Starting);
  assert_true(inspected("20.10-inspect-healthy.json").health == ContainerHealth::Healthy);
  assert_int_equal(inspected("20.10-inspect-healthy.json").host_port, 47812);
  const ContainerInfo unhealthy = inspected("20.10-inspect-unhealthy.json");
  assert_true(unhealthy.state == ContainerState::Running && unhealthy.health == ContainerHealth::Unhealthy);
  assert_string_equal(unhealthy.health_output.c_str(),
                      "wget: can't connect to remote host (127.0.0.1): Connection refused");
  const ContainerInfo paused = inspected("20.10-inspect-paused.json");
  assert_true(paused.state == ContainerState::Paused && paused.health == ContainerHealth::Unhealthy);
  const ContainerInfo exited = inspected("20.10-inspect-exited.json");
  assert_true(exited.state == ContainerState::Exited);
  assert_int_equal(exited.exit_code, 3);
  assert_int_equal(exited.host_port, 0);
  const ContainerInfo failed = inspected("20.10-inspect-start-failed.json");
  assert_true(failed.state == ContainerState::Created);
  assert_int_equal(failed.exit_code, 128);
  assert_non_null(strstr(failed.state_error.c_str(), "Bind for 127.0.0.1:47811 failed: port is already allocated"));
  assert_false(inspected("20.10-inspect-off-network.json").on_network);
  assert_true(inspected("20.10-inspect-off-network.json").state == ContainerState::Running);
}

static void test_inspect_of_a_newer_engine(void**) {
  const ContainerInfo info = inspected("documented-1.52-inspect-healthy.json", "vnc_network");
  assert_string_equal(info.name.c_str(), "vnc_11122233344");
  assert_true(info.state == ContainerState::Running && info.health == ContainerHealth::Healthy);
  assert_int_equal(info.host_port, 5000);
  assert_true(info.on_network);
  assert_string_equal(info.health_output.c_str(), "not painted yet");
  assert_string_equal(info.width.c_str(), "410");
  assert_true(info.created_us == 1770561000123456);
  assert_int_equal(inspected("documented-1.52-inspect-healthy.json", "vnc_network", 5900).host_port, 0);
}

// The smallest answer that is one, with a member replaced.
static std::string tiny_inspect(const char* status, const char* rest) {
  return std::string("{\"Id\":\"") + std::string(64, 'a') +
         "\",\"Created\":\"2026-02-08T14:30:00Z\",\"Name\":\"/n\",\"State\":{\"Status\":\"" + status + "\"" + rest +
         "}}";
}

static void test_inspect_odd_answers(void**) {
  struct {
    const char* text;
    ContainerState state;
  } states[] = {{"created", ContainerState::Created},   {"running", ContainerState::Running},
                {"paused", ContainerState::Paused},     {"restarting", ContainerState::Restarting},
                {"removing", ContainerState::Removing}, {"exited", ContainerState::Exited},
                {"dead", ContainerState::Dead}};
  for (const auto& one : states) {
    ContainerInfo info;
    std::string error;
    assert_true(docker_parse_inspect(tiny_inspect(one.text, ""), "n", 1, &info, &error));
    assert_true(info.state == one.state);
    assert_false(info.on_network);
  }
  ContainerInfo info;
  std::string error;
  assert_true(docker_parse_inspect(
      tiny_inspect("exited",
                   ",\"OOMKilled\":true,\"ExitCode\":137,\"Error\":\"a\\nb\",\"Health\":{\"Status\":\"none\"}"),
      "n", 1, &info, &error));
  assert_true(info.oom_killed && info.exit_code == 137 && info.health == ContainerHealth::None);
  assert_string_equal(info.state_error.c_str(), "a\\nb");
  info.name = "as it was";
  for (const std::string& bad : std::initializer_list<std::string>{
           "", "[]", "{}", "null", "<html>", tiny_inspect("sleeping", ""), tiny_inspect("", ""), "{\"Id\":\"a\"}"}) {
    error.clear();
    assert_false(docker_parse_inspect(bad, "n", 1, &info, &error));
    assert_false(error.empty());
    assert_string_equal(info.name.c_str(), "as it was");
  }
}

static std::vector<ContainerInfo> listed(const char* name, const char* network) {
  std::vector<ContainerInfo> list(9);
  std::string error;
  if (!docker_parse_list(recorded(name), network, 6080, &list, &error)) fail_msg("%s: %s", name, error.c_str());
  return list;
}

static const ContainerInfo& by_name(const std::vector<ContainerInfo>& list, const char* name) {
  const auto one = std::find_if(list.begin(), list.end(), [&](const ContainerInfo& info) { return info.name == name; });
  if (one == list.end()) fail_msg("no %s in the list", name);
  return *one;
}

static void test_list(void**) {
  const std::vector<ContainerInfo> list = listed("20.10-list.json", "codect_net");
  assert_int_equal(list.size(), 9);
  const ContainerInfo& healthy = by_name(list, "vnc_codect_healthy");
  assert_true(healthy.state == ContainerState::Running && healthy.health == ContainerHealth::Healthy &&
              healthy.on_network);
  assert_int_equal(healthy.host_port, 47812);
  assert_string_equal(healthy.job.c_str(), "job9");
  assert_string_equal(healthy.image.c_str(), "localhost/codect-busybox");
  assert_true(by_name(list, "codect_unhealthy").health == ContainerHealth::Unhealthy);
  assert_true(by_name(list, "codect_plain").health == ContainerHealth::None);
  assert_true(by_name(list, "codect_taken").state == ContainerState::Created);
  assert_int_equal(by_name(list, "codect_taken").host_port, 0);
  assert_true(by_name(list, "codect_renamed").state == ContainerState::Exited);
  assert_false(by_name(list, "codect_nonet").on_network);
  assert_true(by_name(list, "codect_nocmd").instance.empty());
  const std::vector<ContainerInfo> paused = listed("20.10-list-paused.json", "codect_net");
  assert_true(paused.at(0).state == ContainerState::Paused && paused.at(0).health == ContainerHealth::None);
  assert_true(listed("20.10-empty-list.json", "codect_net").empty());
}

// The list and the inspect of one container tell the same.
static void test_list_agrees_with_inspect(void**) {
  const std::vector<ContainerInfo> list = listed("20.10-list.json", "codect_net");
  for (const char* file :
       {"20.10-inspect-running.json", "20.10-inspect-healthy.json", "20.10-inspect-unhealthy.json"}) {
    const ContainerInfo one = inspected(file);
    const ContainerInfo& other = by_name(list, one.name.c_str());
    assert_true(one.id == other.id && one.state == other.state && one.health == other.health &&
                one.host_port == other.host_port && one.on_network == other.on_network &&
                one.instance == other.instance && one.run == other.run && one.image == other.image);
  }
}

static void test_list_of_a_newer_engine(void**) {
  const std::vector<ContainerInfo> list = listed("documented-1.52-list.json", "vnc_network");
  assert_int_equal(list.size(), 2);
  assert_string_equal(list[0].name.c_str(), "vnc_11122233344");
  assert_int_equal(list[0].host_port, 5000);
  assert_true(list[0].health == ContainerHealth::Starting && list[0].on_network);
  assert_string_equal(list[1].name.c_str(), "somebody_elses");  // not the link's name
  assert_int_equal(list[1].host_port, 0);                       // udp, and 6080 as a host port
  assert_true(list[1].instance.empty() && !list[1].on_network);
}

static void test_list_odd_answers(void**) {
  const std::string id(64, 'b');
  std::vector<ContainerInfo> list(3);
  std::string error;
  for (const std::string& bad : std::initializer_list<std::string>{
           "", "{}", "null", "[1]", "[{}]", "[{\"Id\":\"" + id + "\"}]",
           "[{\"Id\":\"" + id + "\",\"State\":\"asleep\"}]", "[{\"Id\":\"x\",\"State\":\"running\"}]",
           "[{\"Id\":\"" + id + "\",\"State\":\"running\"}"}) {
    error.clear();
    assert_false(docker_parse_list(bad, "n", 6080, &list, &error));
    assert_false(error.empty());
    assert_int_equal(list.size(), 3);
  }
  // A container that is half gone has no names and no networks.
  assert_true(docker_parse_list(
      "[{\"Id\":\"" + id + "\",\"State\":\"removing\",\"Names\":null,\"Ports\":null,\"Labels\":null}]", "n", 6080,
      &list, &error));
  assert_int_equal(list.size(), 1);
  assert_true(list[0].name.empty() && list[0].state == ContainerState::Removing);
}

static void test_network(void**) {
  DockerNetwork network;
  std::string error;
  assert_true(docker_parse_network(recorded("20.10-network.json"), &network, &error));
  assert_string_equal(docker_parse_image("{\"Id\":\"sha256:12\",\"Size\":3}").c_str(), "sha256:12");
  assert_string_equal(docker_parse_image("no JSON").c_str(), "");
  assert_false(network.isolated);
  assert_true((network.subnets == std::vector<std::string>{"10.213.77.0/28"}));
  assert_string_equal(network.bridge.c_str(), "br-731973abe5a5");
  assert_true(docker_parse_network(recorded("documented-1.52-network.json"), &network, &error));
  assert_true((network.subnets == std::vector<std::string>{"10.10.0.0/24", "fd12:3456::/64"}));
  assert_true(docker_parse_network("{\"IPAM\":{\"Config\":null}}", &network, &error));
  assert_true(network.subnets.empty() && !network.isolated && network.bridge.empty());
  assert_true(docker_parse_network(recorded("20.10-network-isolated.json"), &network, &error));
  assert_true(network.isolated);
  assert_true(docker_parse_network("{\"IPAM\":{},\"Driver\":\"bridge\",\"Options\":{\"com.docker.network.bridge.name\":\"sessions0\"}}", &network, &error));
  assert_string_equal(network.bridge.c_str(), "sessions0");
  network.subnets = {"as it was"};
  for (const char* bad : {"", "{}", "[]", "{\"message\":\"network x not found\"}"}) {
    error.clear();
    assert_false(docker_parse_network(bad, &network, &error));
    assert_false(error.empty());
    assert_int_equal(network.subnets.size(), 1);
  }
}

// ---- events -------------------------------------------------------------------------------------------------------------

struct Heard {
  std::vector<EngineEvent> events;
  size_t passed_over = 0;
};

static Heard heard(const char* name) {
  Heard all;
  for (const std::string& line : lines_of(recorded(name))) {
    EngineEvent event;
    std::string error = "stale";
    if (docker_parse_event(line, &event, &error)) {
      all.events.push_back(event);
    } else {
      if (!error.empty()) fail_msg("%s: %s", line.c_str(), error.c_str());
      all.passed_over++;
    }
  }
  return all;
}

static size_t count(const Heard& all, EngineEventKind kind) {
  return static_cast<size_t>(std::count_if(all.events.begin(), all.events.end(),
                                           [&](const EngineEvent& event) { return event.kind == kind; }));
}

static const EngineEvent& first(const Heard& all, EngineEventKind kind, const std::string& name) {
  const auto one = std::find_if(all.events.begin(), all.events.end(),
                                [&](const EngineEvent& event) { return event.kind == kind && event.name == name; });
  if (one == all.events.end()) fail_msg("no such event of %s", name.c_str());
  return *one;
}

static void test_events(void**) {
  const Heard all = heard("20.10-events.ndjson");
  assert_int_equal(count(all, EngineEventKind::Create), 9);
  assert_int_equal(count(all, EngineEventKind::Start), 4);
  assert_int_equal(count(all, EngineEventKind::Die), 4);
  assert_int_equal(count(all, EngineEventKind::Destroy), 9);
  assert_int_equal(count(all, EngineEventKind::Rename), 1);
  assert_int_equal(count(all, EngineEventKind::Healthy), 1);
  assert_int_equal(count(all, EngineEventKind::Unhealthy), 1);
  assert_int_equal(count(all, EngineEventKind::Pause), 1);
  assert_int_equal(count(all, EngineEventKind::Unpause), 1);
  assert_int_equal(count(all, EngineEventKind::Disconnect), 8);
  assert_true(all.passed_over > 20);  // execs of health checks, kills, connects, the network's own

  const EngineEvent& die = first(all, EngineEventKind::Die, "codect_exits");
  assert_int_equal(die.exit_code, 3);
  assert_true(die.id == inspected("20.10-inspect-exited.json").id);
  assert_string_equal(die.instance.c_str(), "codect_net");
  assert_string_equal(die.run.c_str(), "run7");
  assert_string_equal(die.job.c_str(), "job9");
  assert_int_equal(first(all, EngineEventKind::Die, "codect_plain").exit_code, 137);
  const EngineEvent& rename = first(all, EngineEventKind::Rename, "codect_renamed");
  assert_true(rename.id == die.id);
  // The network's name, the container's id.
  const EngineEvent& left = first(all, EngineEventKind::Disconnect, "codect_net");
  assert_int_equal(left.id.size(), 64);
  assert_true(std::any_of(all.events.begin(), all.events.end(), [&](const EngineEvent& event) {
    return event.kind == EngineEventKind::Create && event.id == left.id;
  }));
  assert_true(first(all, EngineEventKind::Healthy, "vnc_codect_healthy").id ==
              inspected("20.10-inspect-healthy.json").id);
  assert_true(first(all, EngineEventKind::Create, "codect_nocmd").instance.empty());
}

static void test_events_of_a_newer_engine(void**) {
  const Heard all = heard("documented-1.52-events.ndjson");
  const EngineEventKind wanted[] = {EngineEventKind::Create, EngineEventKind::Start, EngineEventKind::Healthy,
                                    EngineEventKind::Rename, EngineEventKind::Die,   EngineEventKind::Disconnect,
                                    EngineEventKind::Destroy};
  assert_int_equal(all.events.size(), std::size(wanted));
  for (size_t i = 0; i < std::size(wanted); i++) assert_true(all.events[i].kind == wanted[i]);
  assert_int_equal(all.passed_over, 5);
  for (const EngineEvent& event : all.events) assert_true(event.id == all.events[0].id);
  assert_int_equal(all.events[4].exit_code, 137);
  assert_string_equal(all.events[5].name.c_str(), "vnc_network");
}

static void test_what_is_not_an_event(void**) {
  EngineEvent event;
  event.name = "as it was";
  for (const char* bad : {"{", "[]", "{}", "null", "<html>", "{\"Type\":\"container\"}", "{\"Action\":\"die\"}",
                          "{\"Type\":1,\"Action\":\"die\"}", "{\"Type\":\"container\",\"Action\":\"die\"}",
                          "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"short\"}}"}) {
    std::string error;
    assert_false(docker_parse_event(bad, &event, &error));
    if (error.empty()) fail_msg("silent about: %s", bad);
  }
  for (const char* nobody :
       {"", " \r", "{\"Type\":\"container\",\"Action\":\"exec_die\"}", "{\"Type\":\"image\",\"Action\":\"die\"}",
        "{\"Type\":\"container\",\"Action\":\"health_status: starting\"}",
        "{\"Type\":\"network\",\"Action\":\"disconnect\"}"}) {
    std::string error = "stale";
    assert_false(docker_parse_event(nobody, &event, &error));
    if (!error.empty()) fail_msg("%s: %s", nobody, error.c_str());
  }
  assert_string_equal(event.name.c_str(), "as it was");
}

// ---- pulls --------------------------------------------------------------------------------------------------------------

static void test_pull(void**) {
  const char* const wanted[] = {"bookworm-slim: Pulling from library/debian", "a1b2c3d4e5f6: Pulling fs layer",
                                "a1b2c3d4e5f6: Downloading 45%", "a1b2c3d4e5f6: Pull complete", "Digest: sha256:abc"};
  const std::vector<std::string> lines = lines_of(recorded("documented-1.41-pull.ndjson"));
  assert_int_equal(lines.size(), std::size(wanted) + 1);
  std::string progress, error;
  for (size_t i = 0; i < std::size(wanted); i++) {
    assert_true(docker_parse_pull_line(lines[i], &progress, &error));
    assert_string_equal(progress.c_str(), wanted[i]);
  }
  assert_false(docker_parse_pull_line(lines.back(), &progress, &error));
  assert_string_equal(error.c_str(), "toomanyrequests: You have reached your pull rate limit.");
  assert_string_equal(progress.c_str(), wanted[std::size(wanted) - 1]);
  assert_false(docker_parse_pull_line(recorded("documented-1.52-pull-error.ndjson"), &progress, &error));
  assert_string_equal(error.c_str(), "no space left on device");
  assert_false(docker_parse_pull_line("{\"error\":\"old way\"}", &progress, &error));
  assert_string_equal(error.c_str(), "old way");
  assert_false(docker_parse_pull_line("{\"errorDetail\":{}}", &progress, &error));
  assert_string_equal(error.c_str(), "no reason given");
  assert_true(docker_parse_pull_line("\r", &progress, &error));
  assert_true(progress.empty());
  for (const char* bad : {"<html>", "[]", "7"}) assert_false(docker_parse_pull_line(bad, &progress, &error));
}

// ---- refusals -----------------------------------------------------------------------------------------------------------

static void assert_fault(const char* file, DockerCall call, long status, EngineFault wanted) {
  const std::string message = docker_error_message(recorded(file));
  assert_null(strchr(message.c_str(), '\n'));
  assert_true(message.find("message") == std::string::npos);
  const EngineFault fault = docker_fault(call, status, message);
  if (fault != wanted) fail_msg("%s: fault %d, wanted %d", file, static_cast<int>(fault), static_cast<int>(wanted));
}

static void test_recorded_faults(void**) {
  assert_fault("20.10-error-create-404-image.json", DockerCall::Create, 404, EngineFault::ImageMissing);
  assert_fault("20.10-error-create-409-name.json", DockerCall::Create, 409, EngineFault::NameTaken);
  assert_fault("20.10-error-create-400-mount.json", DockerCall::Create, 400, EngineFault::Refused);
  assert_fault("20.10-error-create-400-name.json", DockerCall::Create, 400, EngineFault::Refused);
  assert_fault("20.10-error-start-500-port-of-container.json", DockerCall::Start, 500, EngineFault::PortTaken);
  assert_fault("20.10-error-start-500-port-of-program.json", DockerCall::Start, 500, EngineFault::PortTaken);
  assert_fault("20.10-error-start-500-address.json", DockerCall::Start, 500, EngineFault::Failed);
  assert_fault("20.10-error-start-500-subnet-full.json", DockerCall::Start, 500, EngineFault::Failed);
  assert_fault("20.10-error-start-400-command.json", DockerCall::Start, 400, EngineFault::Refused);
  assert_fault("20.10-error-start-404-network.json", DockerCall::Start, 404, EngineFault::NetworkMissing);
  assert_fault("20.10-error-start-404-container.json", DockerCall::Start, 404, EngineFault::NotFound);
  assert_fault("20.10-error-inspect-404.json", DockerCall::Inspect, 404, EngineFault::NotFound);
  assert_fault("20.10-error-remove-404.json", DockerCall::Remove, 404, EngineFault::NotFound);
  assert_fault("20.10-error-remove-409-in-progress.json", DockerCall::Remove, 409, EngineFault::Refused);
  assert_fault("20.10-error-rename-404.json", DockerCall::Rename, 404, EngineFault::NotFound);
  assert_fault("20.10-error-rename-409.json", DockerCall::Rename, 409, EngineFault::NameTaken);
  assert_fault("20.10-error-rename-same.json", DockerCall::Rename, 400, EngineFault::Refused);
  assert_fault("20.10-error-rename-400-name.json", DockerCall::Rename, 400, EngineFault::Refused);
  assert_fault("20.10-error-network-404-missing.json", DockerCall::Network, 404, EngineFault::NetworkMissing);
  assert_fault("20.10-error-network-create-409-exists.json", DockerCall::NetworkCreate, 409, EngineFault::NameTaken);
  assert_fault("20.10-error-network-create-403-overlap.json", DockerCall::NetworkCreate, 403, EngineFault::Refused);
  assert_fault("20.10-error-version-400-too-new.json", DockerCall::List, 400, EngineFault::TooOld);
  assert_fault("20.10-error-version-400-too-old.json", DockerCall::Events, 400, EngineFault::TooOld);
  assert_fault("20.10-error-pull-500-unreachable.json", DockerCall::Pull, 500, EngineFault::Failed);
}

static void test_faults_of_newer_engines(void**) {
  assert_fault("documented-28-error-start-500-port-of-container.json", DockerCall::Start, 500, EngineFault::PortTaken);
  assert_fault("documented-28-error-start-500-port-of-program.json", DockerCall::Start, 500, EngineFault::PortTaken);
  assert_fault("documented-29-error-start-500-port-of-program.json", DockerCall::Start, 500, EngineFault::PortTaken);
  assert_fault("documented-desktop-error-start-500-port-of-program.json", DockerCall::Start, 500,
               EngineFault::PortTaken);
  assert_fault("documented-28-error-start-404-network.json", DockerCall::Start, 404, EngineFault::NetworkMissing);
  assert_fault("documented-28-error-start-404-network.json", DockerCall::Start, 500, EngineFault::NetworkMissing);
  assert_fault("documented-28-error-start-404-network.json", DockerCall::Create, 404, EngineFault::NetworkMissing);
  assert_fault("documented-28-error-network-create-403-overlap.json", DockerCall::NetworkCreate, 403,
               EngineFault::Refused);
  assert_fault("documented-29-error-version-400-too-old.json", DockerCall::Version, 400, EngineFault::TooOld);
  assert_fault("documented-error-pull-404.json", DockerCall::Pull, 404, EngineFault::ImageMissing);
  assert_fault("documented-error-start-409-removal.json", DockerCall::Start, 409, EngineFault::Refused);
}

static constexpr DockerCall kCalls[] = {DockerCall::Version, DockerCall::Network, DockerCall::NetworkCreate,
                                        DockerCall::Create,  DockerCall::Start,   DockerCall::Inspect,
                                        DockerCall::List,    DockerCall::Remove,  DockerCall::Rename,
                                        DockerCall::Pull,    DockerCall::Events};

static void test_faults_by_status_alone(void**) {
  for (const DockerCall call : kCalls) {
    for (const long fine : {200L, 201L, 204L, 304L})
      assert_true(docker_fault(call, fine, "port is already allocated") == EngineFault::None);
    for (const long odd : {0L, 100L, 301L, 302L}) assert_true(docker_fault(call, odd, "x") == EngineFault::Failed);
    assert_true(docker_fault(call, 400, "x") == EngineFault::Refused);
    assert_true(docker_fault(call, 418, "x") == EngineFault::Refused);
    assert_true(docker_fault(call, 500, "x") == EngineFault::Failed);
    assert_true(docker_fault(call, 503, "x") == EngineFault::Failed);
    // A proxy that does not know the path says nothing about a container.
    assert_true(docker_fault(call, 404, "page not found") == EngineFault::Refused);
    assert_true(docker_fault(call, 404, "404 Page Not Found") == EngineFault::Refused);
  }
}

// Words that look like a port, a network or a name, and are not.
static void test_faults_that_only_sound_alike(void**) {
  assert_true(docker_fault(DockerCall::Start, 500, "failed to allocate gateway (10.0.3.1): Address already in use") ==
              EngineFault::Failed);
  assert_true(docker_fault(DockerCall::Start, 500, "failed to create endpoint x on network y: Link not found") ==
              EngineFault::Failed);
  assert_true(docker_fault(DockerCall::Inspect, 500, "Bind for 0.0.0.0:5000 failed: port is already allocated") ==
              EngineFault::Failed);
  assert_true(docker_fault(DockerCall::Create, 409, "the container is being removed") == EngineFault::Refused);
  assert_true(docker_fault(DockerCall::Start, 500, "bind source path does not exist: address book") ==
              EngineFault::Failed);
  assert_true(docker_fault(DockerCall::Create, 404, "No such image: network-tools:latest") ==
              EngineFault::ImageMissing);
}

static void test_error_message(void**) {
  assert_string_equal(docker_error_message("{\"message\":\"No such container: x\"}\n").c_str(), "No such container: x");
  assert_string_equal(docker_error_message("{\"message\":\" a\\nb\\u001b[31m \"}").c_str(), "a\\nb\\x1B[31m");
  assert_string_equal(docker_error_message("plain text\n").c_str(), "plain text");
  assert_string_equal(docker_error_message("<html>\n<body>").c_str(), "<html>\\n<body>");
  assert_string_equal(docker_error_message("{\"error\":1}").c_str(), "{\"error\":1}");
  assert_string_equal(docker_error_message("{\"message\":7}").c_str(), "{\"message\":7}");
  assert_string_equal(docker_error_message("{\"message\":\"\"}").c_str(), "no reason given");
  assert_string_equal(docker_error_message("").c_str(), "no reason given");
  assert_string_equal(docker_error_message(" \r\n").c_str(), "no reason given");
  assert_int_equal(docker_error_message(std::string(9999, 'x')).size(), 500);
}

// ---- damage -------------------------------------------------------------------------------------------------------------

static void parse_all(const std::string& text) {
  EngineVersion version;
  ContainerInfo info;
  std::vector<ContainerInfo> list;
  DockerNetwork network;
  EngineEvent event;
  std::string id, progress, error;
  if (!docker_parse_version(text, &version, &error)) assert_false(error.empty());
  if (!docker_parse_created(text, &id, &error)) assert_false(error.empty());
  if (!docker_parse_inspect(text, "codect_net", 6080, &info, &error)) assert_false(error.empty());
  if (!docker_parse_list(text, "codect_net", 6080, &list, &error)) assert_false(error.empty());
  if (!docker_parse_network(text, &network, &error)) assert_false(error.empty());
  docker_parse_event(text, &event, &error);
  docker_parse_pull_line(text, &progress, &error);
  for (const ContainerInfo& one : list) assert_in_range(one.host_port, 0, 65535);
  for (char c : docker_error_message(text)) assert_true(static_cast<unsigned char>(c) >= 0x20);
}

// Cut and damaged answers of every kind, to every parser: refused or understood, never a crash.
static void test_damaged_answers(void**) {
  unsigned state = 41;
  for (const char* name : {"20.10-version.json", "20.10-inspect-healthy.json", "20.10-list-paused.json",
                           "20.10-network.json", "20.10-created.json", "documented-1.52-events.ndjson",
                           "documented-1.41-pull.ndjson", "20.10-error-start-500-address.json"}) {
    const std::string whole = lines_of(recorded(name)).at(0);
    parse_all(whole);
    for (int round = 0; round < 150; round++) {
      state = state * 1664525U + 1013904223U;
      std::string text = whole.substr(0, round % 3 == 0 ? (state >> 8U) % whole.size() : whole.size());
      for (int i = 0; i < round % 3 && !text.empty(); i++) {
        state = state * 1664525U + 1013904223U;
        text[(state >> 8U) % text.size()] = static_cast<char>(state >> 24U);
      }
      parse_all(text);
    }
  }
  parse_all(std::string(100000, '['));
  parse_all("");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_create_body),
      cmocka_unit_test(test_create_body_mounts_are_read_only),
      cmocka_unit_test(test_create_body_name_servers),
      cmocka_unit_test(test_create_body_limits),
      cmocka_unit_test(test_create_body_is_json_whatever_the_text),
      cmocka_unit_test(test_network_body),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_versions_at_the_edges),
      cmocka_unit_test(test_created),
      cmocka_unit_test(test_inspect_running),
      cmocka_unit_test(test_inspect_in_every_state),
      cmocka_unit_test(test_inspect_of_a_newer_engine),
      cmocka_unit_test(test_inspect_odd_answers),
      cmocka_unit_test(test_list),
      cmocka_unit_test(test_list_agrees_with_inspect),
      cmocka_unit_test(test_list_of_a_newer_engine),
      cmocka_unit_test(test_list_odd_answers),
      cmocka_unit_test(test_network),
      cmocka_unit_test(test_events),
      cmocka_unit_test(test_events_of_a_newer_engine),
      cmocka_unit_test(test_what_is_not_an_event),
      cmocka_unit_test(test_pull),
      cmocka_unit_test(test_recorded_faults),
      cmocka_unit_test(test_faults_of_newer_engines),
      cmocka_unit_test(test_faults_by_status_alone),
      cmocka_unit_test(test_faults_that_only_sound_alike),
      cmocka_unit_test(test_error_message),
      cmocka_unit_test(test_damaged_answers),
  };
  return cmocka_run_group_tests_name("codec/docker_json", tests, nullptr, nullptr);
}
