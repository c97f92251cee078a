// Whatever ids and names are made of, a request goes to the path it was meant for, or is never sent: seen by a scripted server.
#include "io/engine.h"
#include "scripted_engine.h"
#include "support/cmocka_cc.h"

static const char* const kWorst[] = {"../containers/other/kill?x=",
                                     "other?force=1&",
                                     "a/../other",
                                     "a b\r\nX-Injected: 1",
                                     "%2e%2e",
                                     "..",
                                     "-rf",
                                     "#",
                                     ""};

struct Stage {
  ScriptedEnginePtr server;
  EnginePtr engine;
};

static Stage open_stage() {
  Stage stage;
  stage.server = scripted_engine_start(false, [](const ScriptedRequest& request) {
    const bool version = request.line.find(" /version ") != std::string::npos;
    return std::vector<ScriptStep>{
        {version ? version_reply("1.41", "1.12") : json_reply(404, "{\"message\": \"no such thing\"}"), 0}};
  });
  DockerOptions options;
  options.host = scripted_engine_host(stage.server.get());
  options.network = options.instance = "net";
  std::string error;
  stage.engine = docker_create(options, &error);
  assert_non_null(stage.engine.get());
  EngineVersion version;
  stage.engine->ops->version(stage.engine->self, &version);
  return stage;
}

// The lines of the requests behind /version, as "METHOD target".
static std::vector<std::string> lines_of(const Stage& stage) {
  std::vector<std::string> lines;
  for (const ScriptedRequest& request : scripted_engine_requests(stage.server.get()))
    if (request.line.find(" /version ") == std::string::npos)
      lines.push_back(request.line.substr(0, request.line.rfind(' ')));
  return lines;
}

static void an_id_that_is_none_is_never_sent(void**) {
  Stage stage = open_stage();
  const EngineOps* ops = stage.engine->ops;
  void* self = stage.engine->self;
  for (const char* id : kWorst) {
    ContainerInfo info;
    assert_true(ops->start(self, id).fault == EngineFault::NotFound);
    assert_true(ops->inspect(self, id, &info).fault == EngineFault::NotFound);
    assert_true(ops->remove(self, id).fault == EngineFault::NotFound);
    assert_true(ops->rename(self, id, "vnc_ana").fault == EngineFault::NotFound);
  }
  assert_true(lines_of(stage).empty());
}

static void a_name_stays_a_value_of_its_parameter(void**) {
  Stage stage = open_stage();
  const EngineOps* ops = stage.engine->ops;
  void* self = stage.engine->self;
  LaunchSpec spec;
  spec.name = "vnc_a b&name=other?#/..%2f\r\n";
  spec.image = "i";
  std::string id;
  ops->create(self, spec, &id);
  ops->rename(self, "abc", spec.name);
  ops->pull(self, "host:5000/i m&fromSrc=-", [](const std::string&) {});
  std::string image_id;
  ops->look_for_image(self, "host:5000/i m?all=1#/x@sha256:0", &image_id);
  const std::vector<std::string> lines = lines_of(stage);
  assert_int_equal(lines.size(), 4);
  const std::string name = "name=vnc_a%20b%26name%3Dother%3F%23%2F..%252f%0D%0A";
  assert_string_equal(lines[0].c_str(), ("POST /v1.41/containers/create?" + name).c_str());
  assert_string_equal(lines[1].c_str(), ("POST /v1.41/containers/abc/rename?" + name).c_str());
  assert_string_equal(lines[2].c_str(),
                      "POST /v1.41/images/create?fromImage=host%3A5000%2Fi%20m%26fromSrc%3D-&tag=latest");
  assert_string_equal(lines[3].c_str(), "GET /v1.41/images/host%3A5000/i%20m%3Fall%3D1%23/x%40sha256%3A0/json");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_id_that_is_none_is_never_sent),
      cmocka_unit_test(a_name_stays_a_value_of_its_parameter),
  };
  return cmocka_run_group_tests_name("docker urls", tests, nullptr, nullptr);
}
