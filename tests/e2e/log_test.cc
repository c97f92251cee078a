// The log as operators read it: banner, tags, levels, one file a day, what happens to the files, and that nothing is forged.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <regex>
#include <sstream>

#include "support/daemon.h"

namespace {

// A time zone in which it is `seconds` before midnight now, for a daemon that knows of no other.
std::string zone_before_midnight(int seconds) {
  long to_midnight = 86400 - (time(nullptr) % 86400);  // in UTC
  long east = to_midnight - seconds;                   // local time is UTC plus this
  if (east > 43200) east -= 86400;
  long west = -east;
  char text[32];
  snprintf(text, sizeof text, "<TST>%s%02ld:%02ld:%02ld", west < 0 ? "-" : "+", labs(west) / 3600, labs(west) / 60 % 60,
           labs(west) % 60);
  return text;
}

// "app.log." + the day that many days ago, here.
std::string log_name(int days_ago) {
  time_t then = time(nullptr);
  tm day;
  localtime_r(&then, &day);
  day.tm_mday -= days_ago;
  day.tm_hour = 12;
  day.tm_isdst = -1;
  mktime(&day);
  char name[32];
  strftime(name, sizeof name, "app.log.%Y-%m-%d", &day);
  return name;
}

void check_has(Daemon* d, const std::string& text, const At& at = At::current()) {
  check_at(daemon_logs(d, {text}), "not in the log: " + text, at);
}

void the_banner_is_the_documents(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set(d, "LOG_LEVEL", "");
  daemon_set(d, "VNC_APPNAME", "firefox-kiosk https://youtube.com");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  int first = daemon_first_slot(d);
  for (const std::string& text :
       Texts{"========== STARTUP RECONCILIATION ==========",
             "========== DOCKER CONFIG ==========",
             "  IMAGE           = " + std::string(kTinyImage),
             "  CONTAINER_PORT  = 6080",
             "  PORT_RANGE      = " + std::to_string(first) + " - " + std::to_string(first + 3) + " (4 slots)",
             "  APPNAME         = firefox-kiosk https://youtube.com",
             "  WIDTH           = 410",
             "  HEIGHT          = 900",
             "  NETWORK_NAME    = " + scene->suite->network,
             "  NETWORK_SUBNET  = " + scene->suite->subnet,
             "[RECONCILE] WARM_POOL_SIZE = 1",
             "[RECONCILE] Done: 0 active records (0 clients + 0 pool) after reconciliation",
             "========== CLEANUP SCHEDULER ==========",
             "[CLEANUP] IDLE_TIMEOUT_HOURS      = 8",
             "[CLEANUP] CLEANUP_INTERVAL_MINUTES = 30",
             "[POOL] Replenishing pool: current=0 target=1 need=1",
             "[POOL] Creating pool container on port ",
             "[CREATE] Starting POOL creation: name=vnc_pool_",
             "is HEALTHY (took ",
             "[POOL] Pool container READY: name=vnc_pool_",
             "========== ORCHESTRATOR RUNNING on port " + std::to_string(daemon_port(d)) + " =========="}) {
    check_has(d, text);
  }
  std::string client = suite_cpf(*scene->suite, 71);
  Entry entry = daemon_access(d, client);
  std::string id = entry.id.substr(0, 12);
  for (const std::string& text :
       {"[ACCESS] -------- Request for CPF=" + client + " --------", "[ACCESS] No existing record for CPF=" + client,
        "[STATE] CLAIM pool: container=" + id + " port=" + std::to_string(entry.port) + " -> CPF=" + client,
        "[ACCESS] POOL -> assigned container=" + id + " port=" + std::to_string(entry.port) + " to CPF=" + client +
            " (instant!)"}) {
    check_has(d, text);
  }
}

void every_tag_of_the_document_appears(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "DOCKER_NETWORK_NAME", scene->suite->network + "-tags");
  daemon_set(d, "DOCKER_NETWORK_SUBNET", suite_subnet(*scene->suite, 2));
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set(d, "IDLE_TIMEOUT_HOURS", "0.001");
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "0.02");
  daemon_set_ports(d, 10, 2);
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::string size = "&width=800&height=600";
  for (const char* name : {"tag1", "tag2", "tag3"}) daemon_access(d, suite_client(*scene->suite, name), size);
  check_number(daemon_get(d, "/remove?id=" + suite_client(*scene->suite, "tag3")).status, 200, "/remove");
  check_at(
      wait_until(20,
                 [&] { return entry_find(daemon_status(d).records, suite_client(*scene->suite, "tag2")) == nullptr; }),
      "no cleanup");
  check_number(daemon_get(d, "/remove-all").status, 200, "/remove-all");
  for (const char* tag :
       {"[ACCESS]", "[RECYCLE]", "[RECONCILE]", "[STATUS]", "[REMOVE]", "[REMOVE-ALL]", "[CREATE]", "[WAIT]",
        "[NETWORK]", "[PORT]", "[SCAN]", "[HEALTH CHECK]", "[STATE]", "[CLEANUP]", "[POOL]"}) {
    check_has(d, tag);
  }
}

void every_line_has_time_level_and_text(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_access(d, suite_client(*scene->suite, "lines"));
  daemon_get(d, "/access?id=%0a2026-02-13+14:30:00,123+ERROR+%5bSTATE%5d+gone");
  daemon_get(d, "/nothing%0d%0a%1b%5b2Jhere?id=%00");
  daemon_stop(d);
  static const std::regex ours(
      R"(^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR) [^\x00-\x1f\x7f]*$)");
  std::string log = daemon_log(d);
  std::string errors = file_text(d->folder + "/stderr");
  std::istringstream lines(log);
  std::string line;
  size_t count = 0;
  while (std::getline(lines, line)) {
    check_at(std::regex_match(line, ours), "a line that is not ours: " + line);
    check_at(errors.find(line) != std::string::npos, "not on stderr: " + line);
    ++count;
  }
  check_at(count > 10, std::to_string(count) + " lines");
  check_equal(daemon_log_path(d), d->folder + "/logs/" + log_name(0), "today's file");
  struct stat now;
  check_number(stat(daemon_log_path(d).c_str(), &now), 0, daemon_log_path(d));
  check_number(static_cast<long>(now.st_mode & 07), 0, "clients' ids are not for everybody to read: mode");
}

void a_level_hides_what_is_below_it(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "LOG_LEVEL", "WARNING");
  daemon_set(d, "VNC_APPNAME", "exit-early");
  daemon_start(d);
  check_error(daemon_get(d, access_path(suite_client(*scene->suite, "quiet"))), 500);
  daemon_stop(d);
  check_number(static_cast<long>(daemon_log_count(d, " DEBUG ") + daemon_log_count(d, " INFO ")), 0,
               "lines below WARNING");
  check_at(daemon_log_count(d, " WARNING ") + daemon_log_count(d, " ERROR ") > 0, "a failure leaves no line");
}

void at_local_midnight_a_new_file_begins_with_nobody_asking(Scene* scene) {
  Daemon* d = scene->daemon;
  d->environment["TZ"] = zone_before_midnight(4);
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "600");
  daemon_start(d);
  auto files = [&] {
    Texts names;
    for (const auto& entry : std::filesystem::directory_iterator(d->folder + "/logs"))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  };
  check_number(static_cast<long>(files().size()), 1, "files before midnight");
  check_at(wait_until(15, [&] { return files().size() == 2; }), "no new file at midnight");
  check_number(daemon_get(d, access_path("pool_not-allowed")).status, 400, "access");
  daemon_stop(d);
  Texts names = files();
  check_at(file_text(d->folder + "/logs/" + names[0]).find(" 00:00:") == std::string::npos,
           "a line of the new day in the old file");
  check_at(file_text(d->folder + "/logs/" + names[1]).find(" 00:00:") != std::string::npos,
           "nothing in the new day's file");
  check_at(file_text(d->folder + "/logs/" + names[1]).find(" 23:59:") == std::string::npos,
           "a line of the old day in the new file");
}

void files_of_eight_days_go_and_only_those_of_our_name(Scene* scene) {
  Daemon* d = scene->daemon;
  std::string folder = d->folder + "/logs/";
  mkdir(folder.c_str(), 0755);
  Texts stay = {log_name(1),        log_name(7),           "app.log.2001-01-01.gz", "app.log",
                "app.log.2001-1-1", "xapp.log.2001-01-01", "app.log.2001-13-40",    "app.log.20010101"};
  Texts go = {log_name(8), log_name(30), log_name(400), "app.log.2001-01-01"};
  for (const std::string& name : stay) file_write(folder + name, "old\n");
  for (const std::string& name : go) file_write(folder + name, "old\n");
  daemon_start(d);
  for (const std::string& name : go) {
    check_at(wait_until(10, [&] { return access((folder + name).c_str(), F_OK) != 0; }), name + " stays");
  }
  for (const std::string& name : stay) check_number(access((folder + name).c_str(), F_OK), 0, name);
}

void a_file_deleted_moved_or_emptied_under_us_is_begun_again(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string path = daemon_log_path(d);
  check_at(wait_until(10, [&] { return !file_text(path).empty(); }), "no log");
  // Something is said each time, with a word of its own: nobody has a session to remove.
  auto said = [&](const std::string& word) {
    return wait_until(10, [&] {
      daemon_get(d, "/remove?id=" + word);
      return file_text(path).find(word) != std::string::npos;
    });
  };
  check_number(unlink(path.c_str()), 0, "unlink");
  check_at(said("deleted"), "no line after the file was deleted");
  check_number(rename(path.c_str(), (path + ".1").c_str()), 0, "rename");
  check_at(said("moved"), "no line after the file was moved");
  check_number(truncate(path.c_str(), 0), 0, "truncate");
  check_at(said("emptied"), "no line after the file was emptied");
  check_at(file_text(path)[0] != '\0', "a hole where the old text was");
  std::filesystem::remove_all(d->folder + "/logs");
  check_at(said("folder"), "no line after the folder was deleted");
}

void a_session_can_be_followed_by_client_port_and_container(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "LOG_LEVEL", "");
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "follow");
  Entry entry = daemon_access(d, client);
  daemon_access(d, client);
  check_number(daemon_get(d, "/remove?id=" + client).status, 200, "/remove");
  daemon_stop(d);
  std::string lines = daemon_log_lines(d, client);
  std::string id = entry.id.substr(0, 12);
  for (const char* tag : {"[ACCESS]", "[REMOVE]"}) {
    std::istringstream each(lines);
    std::string line;
    bool whole = false;
    while (std::getline(each, line)) {
      whole = whole || (line.find(tag) != std::string::npos && line.find(id) != std::string::npos &&
                        line.find(std::to_string(entry.port)) != std::string::npos);
    }
    check_at(whole, std::string(tag) + " names client, port and container nowhere in one line:\n" + lines);
  }
}

// For those who collect logs: each line an object, on stderr alone.
void lines_can_be_objects_on_stderr(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "LOG_FORMAT", "json");
  daemon_set(d, "LOG_DIR", "-");
  const std::string client = suite_client(*scene->suite, "object");
  daemon_start(d);
  HttpCall call = daemon_call(d, access_path(client));
  call.headers = {"X-Request-Id: portal-1"};
  check_number(http_call(call).status, 302, "/access");
  daemon_stop(d);
  std::istringstream lines(file_text(d->folder + "/stderr"));
  size_t count = 0, of_request = 0;
  for (std::string line; std::getline(lines, line); count++) {
    const JsonPtr json = json_from(line);
    check_at(json_is_object(json.get()), "no object: " + line);
    const std::string time = json_text(json.get(), "time");
    check_at(time.size() == sizeof "2026-02-13T14:30:00.123-03:00" - 1 && !json_text(json.get(), "level").empty(), line);
    of_request += json_text(json.get(), "request") == "portal-1" && json_text(json.get(), "tag") == "ACCESS";
  }
  check_at(count > 20 && of_request >= 2, "lines: " + std::to_string(count) + ", of the request: " + std::to_string(of_request));
  for (const char* folder : {"/-", "/logs"}) check_at(!std::filesystem::exists(d->folder + folder), std::string("a folder ") + folder);
}

// A request is followed through the log by the id that its answer carries.
void a_request_is_followed_by_its_id(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  const std::string client = suite_client(*scene->suite, "known");
  const auto ask = [&](const std::string& path, const std::string& id) {
    HttpCall call = daemon_call(d, path);
    if (!id.empty()) call.headers = {"X-Request-Id: " + id};
    return http_call(call);
  };
  HttpReply reply = ask(access_path(client), "portal-7f.1");
  check_number(reply.status, 302, "/access");
  check_equal(http_reply_header(reply, "x-request-id"), "portal-7f.1", "X-Request-Id");
  for (const char* what : {"[ACCESS] -------- Request for CPF=", "[CREATE] Starting creation for CPF=", "[WAIT] Container ", "is HEALTHY", "[ACCESS] CREATED -> "})
    check_at(daemon_logs(d, {what, " request=portal-7f.1"}), std::string("not in the line of ") + what + ":\n" + daemon_log_lines(d, what));

  reply = ask(access_path(client), "");
  const std::string made = http_reply_header(reply, "x-request-id");
  check_at(!made.empty() && daemon_logs(d, {"[ACCESS] REUSE -> ", " request=" + made}), "ours is '" + made + "'");
  reply = ask("/status", "status-1");
  check_at(reply.status == 200 && daemon_logs(d, {"[STATUS] ", " request=status-1"}), "/status");
  reply = ask("/nothing", "nothing-1");
  check_at(reply.status == 404 && daemon_logs(d, {"404 to ", " request=nothing-1"}), "/nothing");
  check_equal(http_reply_header(reply, "x-request-id"), "nothing-1", "X-Request-Id of a refusal");
  reply = ask("/remove?id=" + client, "remove-1");
  check_at(reply.status == 200 && daemon_logs(d, {"[REMOVE] Removed container=", " request=remove-1"}), "/remove");
  reply = ask("/health", "a request=forged");
  check_at(http_reply_header(reply, "x-request-id").find("forged") == std::string::npos, "what is no id is taken for one");
  check_equal(http_reply_header(ask("/health", "health-1"), "x-request-id"), "health-1", "X-Request-Id of /health");
  // Each of this client's lines has one of these.
  daemon_stop(d);
  const std::string lines = daemon_log_lines(d, "CPF=" + client);
  for (size_t at = 0, end = 0; at < lines.size() && (end = lines.find('\n', at)) != lines.npos; at = end + 1)
    check_at(lines.substr(at, end - at).find(" request=") != std::string::npos, "whose is this: " + lines.substr(at, end - at));
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(the_banner_is_the_documents),
      E2E_TEST(every_tag_of_the_document_appears),
      E2E_TEST(every_line_has_time_level_and_text),
      E2E_TEST(a_level_hides_what_is_below_it),
      E2E_TEST(at_local_midnight_a_new_file_begins_with_nobody_asking),
      E2E_TEST(files_of_eight_days_go_and_only_those_of_our_name),
      E2E_TEST(a_file_deleted_moved_or_emptied_under_us_is_begun_again),
      E2E_TEST(a_session_can_be_followed_by_client_port_and_container),
      E2E_TEST(a_request_is_followed_by_its_id),
      E2E_TEST(lines_can_be_objects_on_stderr),
  };
  return suite_main("log", tests);
}
