// A server that misbehaves on command, since no real engine does: it hangs, cuts, drips and talks nonsense.
#ifndef TESTS_IO_SCRIPTED_ENGINE_H
#define TESTS_IO_SCRIPTED_ENGINE_H

#include <functional>
#include <memory>
#include <string>
#include <vector>

struct ScriptStep {
  std::string bytes;
  int pause_ms = 0;  // before the bytes; -1: until the server ends
};

struct ScriptedRequest {
  std::string line;  // "GET /version HTTP/1.1"
  std::string body;
};

// What to send for one request; then the connection is closed. Called from a thread of the connection, one call at a time.
using Script = std::function<std::vector<ScriptStep>(const ScriptedRequest& request)>;

struct ScriptedEngine;
struct ScriptedEngineDeleter {
  void operator()(ScriptedEngine* engine) const;
};
using ScriptedEnginePtr = std::unique_ptr<ScriptedEngine, ScriptedEngineDeleter>;

ScriptedEnginePtr scripted_engine_start(bool tcp, Script script);
std::string scripted_engine_host(const ScriptedEngine* engine);  // unix:///... or tcp://127.0.0.1:port
std::vector<ScriptedRequest> scripted_engine_requests(ScriptedEngine* engine);

std::string json_reply(int status, const std::string& body);  // whole HTTP answer, application/json
std::string version_reply(const std::string& api, const std::string& api_minimum);

#endif
