// HTTP to events: what a request asks for. The answers to events are turned back here too.
#include "daemon/routes.h"

#include <iterator>

#include "codec/answers.h"
#include "codec/bearer.h"
#include "codec/identity.h"
#include "codec/text.h"

constexpr int kReadyAgainSeconds = 5;

static Route refuse(int status, const std::string& text) {
  Route route;
  route.answer.status = status;
  route.answer.body = answer_error(text);
  route.refused = text;
  return route;
}

static const std::string* parameter(const HttpRequest& request, const char* name) {
  for (const auto& [key, value] : request.params)
    if (key == name) return &value;
  return nullptr;
}

// The client of /access and /remove. False: *route is the refusal.
static bool take_client(const HttpRequest& request, std::string* client, Route* route) {
  const std::string* id = parameter(request, "id");
  if (!id || text_trim(*id).empty()) {
    *route = refuse(400, "Missing required parameter: id");
    return false;
  }
  std::string error;
  if (identity_parse(*id, client, &error)) return true;
  *route = refuse(400, error);
  return false;
}

static Route ask(Event event) {
  Route route;
  route.kind = RouteKind::Ask;
  route.event = std::move(event);
  return route;
}

static Route on_access(const HttpRequest& request) {
  Route route;
  AccessAsked asked;
  asked.request = request.id;
  if (!take_client(request, &asked.client, &route)) return route;
  std::string error;
  if (!identity_parse_size(parameter(request, "width"), parameter(request, "height"), &asked.size_given, &asked.size, &error))
    return refuse(400, error);
  return ask(asked);
}

static Route on_remove(const HttpRequest& request) {
  Route route;
  RemoveAsked asked;
  asked.request = request.id;
  if (!take_client(request, &asked.client, &route)) return route;
  return ask(asked);
}

static Route on_remove_all(const HttpRequest& request) { return ask(RemoveAllAsked{request.id}); }

static Route on_status(const HttpRequest& request) {
  Route route;
  if (parameter(request, "id") && !take_client(request, &route.client, &route)) return route;
  route.kind = RouteKind::Status;
  return route;
}

static Route on_health(const HttpRequest&) {
  Route route;
  route.answer.body = answer_health();
  return route;
}

static Route route_of(RouteKind kind) {
  Route route;
  route.kind = kind;
  return route;
}

static Route on_ready(const HttpRequest&) { return route_of(RouteKind::Ready); }
static Route on_metrics(const HttpRequest&) { return route_of(RouteKind::Metrics); }
static Route on_drain(const HttpRequest&) { return route_of(RouteKind::Drain); }
static Route on_undrain(const HttpRequest&) { return route_of(RouteKind::Undrain); }

struct Row {
  const char* path;
  Door door;
  Route (*handle)(const HttpRequest& request);
};
static const Row kRows[] = {
    {"/access", Door::Visitor, on_access},       {"/status", Door::Admin, on_status}, {"/remove", Door::Admin, on_remove},
    {"/remove-all", Door::Admin, on_remove_all}, {"/health", Door::Open, on_health},  {"/ready", Door::Open, on_ready},
    {"/metrics", Door::Admin, on_metrics},       {"/drain", Door::Admin, on_drain},   {"/undrain", Door::Admin, on_undrain},
};

static const std::string* repeated_parameter(const HttpRequest& request) {
  for (size_t i = 0; i < request.params.size(); i++)
    for (size_t j = 0; j < i; j++)
      if (request.params[i].first == request.params[j].first) return &request.params[i].first;
  return nullptr;
}

static const Row* row_of(const std::string& path) {
  for (const Row& row : kRows)
    if (path == row.path) return &row;
  return nullptr;
}

static Route refuse_without_token() {
  Route route = refuse(401, "This needs what ADMIN_TOKEN is set to: curl -H 'Authorization: Bearer ...'");
  route.answer.authenticate = "Bearer realm=\"vnc-orchestrator\"";
  return route;
}

static Route judge(const HttpRequest& request, const Row* row, const Doors& doors, bool by_admin_entrance) {
  if (origin_is_session(request.peer, doors.sessions)) return refuse(403, "Nothing is answered to the session network (DOCKER_NETWORK_SUBNET). On this host, ask another of its addresses.");
  const bool visitors_only = doors.admin_elsewhere && !by_admin_entrance;
  const bool for_admins = row == nullptr || row->door == Door::Admin;
  if (row != nullptr && for_admins && visitors_only) return refuse(403, std::string(row->path) + " is not to be had on this port: ask where ADMIN_LISTEN says.");
  if (for_admins && !visitors_only && !doors.token.empty() && !bearer_holds(request.source.authorization, doors.token)) return refuse_without_token();
  if (row == nullptr) {
    const char* known = visitors_only ? "/access, /health and /ready." : "/access, /status, /metrics, /remove, /remove-all, /drain, /undrain, /health and /ready.";
    return refuse(404, "Not found: " + text_one_line(request.path, 100) + ". There are " + known);
  }
  if (!request.method_allowed) {
    Route route = refuse(405, "Method not allowed: " + text_one_line(request.method, 20) + ". Use GET or HEAD.");
    route.answer.allow = "GET, HEAD";
    return route;
  }
  if (const std::string why = origin_refusal(row->door, request.source, doors.own); !why.empty()) return refuse(403, why);
  if (const std::string* name = repeated_parameter(request)) return refuse(400, "Parameter given twice: " + text_one_line(*name, 40));
  return row->handle(request);
}

Route route_request(const HttpRequest& request, const Doors& doors, bool by_admin_entrance) {
  const Row* row = row_of(request.path);
  Route route = judge(request, row, doors, by_admin_entrance);
  route.row = row != nullptr ? static_cast<size_t>(row - kRows) : route_count();
  return route;
}

size_t route_count() { return std::size(kRows); }
const char* route_path(size_t row) { return kRows[row].path; }

HttpAnswer route_ready(const std::string& why) {
  HttpAnswer answer;
  answer.body = answer_ready();
  if (!why.empty()) {
    answer.status = 503;
    answer.retry_after_seconds = kReadyAgainSeconds;
    answer.body = answer_error(why);
  }
  return answer;
}

HttpAnswer route_redirect(const Settings& settings, int port) {
  HttpAnswer answer;
  answer.status = 302;
  answer.location.reserve(settings.vnc_scheme.size() + settings.vnc_host.size() + sizeof "://:65535");
  answer.location.append(settings.vnc_scheme).append("://").append(settings.vnc_host).append(":").append(std::to_string(port));
  return answer;
}

HttpAnswer route_removed(const AnswerRemoved& removed) {
  HttpAnswer answer;
  answer.body = answer_removed(removed.client, removed.container_id, removed.port);
  return answer;
}

HttpAnswer route_removed_all(const AnswerRemovedAll& removed) {
  HttpAnswer answer;
  answer.body = answer_removed_all(removed.removed);
  return answer;
}

HttpAnswer route_drained(const Table& table, const std::string& error) {
  HttpAnswer answer;
  answer.body = answer_drained(table.draining_us != 0, table.count[static_cast<size_t>(SlotState::Assigned)]);
  if (!error.empty()) {
    answer.status = 500;
    answer.body = answer_error("Nothing has changed, for a restart would not know of it: " + error);
  }
  return answer;
}

HttpAnswer route_error(const AnswerError& error) {
  HttpAnswer answer;
  answer.status = error.status;
  answer.retry_after_seconds = error.retry_after_seconds;
  answer.body = error.max_slots ? answer_error_slots(error.text, error.max_slots) : answer_error(error.text);
  return answer;
}
