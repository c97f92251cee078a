// From the link to the picture: a new browser opens /access and is led to a session of the pool; beside it, one that opens a running session's port.
#include <unistd.h>

#include "bench/daemon/hall.h"
#include "bench/daemon/rows.h"
#include "bench/support/viewer.h"

namespace {

// Nobody has looked at this session before, as nobody has at one of the pool.
std::string session_url(Hall* hall, const std::string& client) {
  const HttpReply reply = daemon_get(hall->daemon, access_path(client));
  check_number(reply.status, 302, "/access");
  return http_reply_header(reply, "location") + "/";
}

void pictures(Scene* scene, int others, Row row) {
  auto hall = hall_open(scene, kSessionImage, 2 + others, 1);
  row_wait_for_quiet(&row);
  auto measure = [&](bool by_link, std::vector<double>* samples) {
    const std::string client = hall_client(hall.get());
    Texts clients = {client};
    std::string url = "http://127.0.0.1:" + std::to_string(daemon_port(hall->daemon)) + access_path(client);
    if (!by_link) url = session_url(hall.get(), client);
    if (!by_link) check_at(wait_until(60, [&] { return daemon_status(hall->daemon).pool == 1; }), "the pool is not refilled");
    BrowserPtr browser = viewer_open();
    sleep(1);
    // Of another size than the pool's, so that they are made.
    const Texts crowd = hall_clients(hall.get(), others);
    Storm storm = storm_begin(hall.get(), crowd, "&width=800&height=700");
    if (others > 0) usleep(500000);
    const double ms = viewer_show(browser.get(), url, kPageColor).order_ms;
    if (samples != nullptr) samples->push_back(ms);
    browser.reset();
    storm_end(&storm);
    clients.insert(clients.end(), crowd.begin(), crowd.end());
    hall_remove(hall.get(), clients);
    if (others == 0) sleep(2);  // the new one of the pool has work of its own for a while
  };
  rounds_alternate(
      others == 0, [&](int round) { measure(false, round < 0 ? nullptr : &row.base); }, [&](int round) { measure(true, round < 0 ? nullptr : &row.ours); });
  row_done(row);
}

}  // namespace

void picture(Scene* scene) {
  pictures(scene, 0, {.name = "link to picture, from the pool", .unit = "ms", .digits = 0, .aim = Aim::RatioAtMost, .limit = 1.05});
}

void picture_crowded(Scene* scene) {
  pictures(scene, 8, {.name = "the same while 8 others start", .unit = "ms", .digits = 0, .aim = Aim::RatioAtMost, .limit = 1.05});
}
