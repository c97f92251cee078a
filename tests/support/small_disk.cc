// Mounts, fills and empties a small tmpfs.
#include "support/small_disk.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

std::string filler(const std::string& folder, int number) { return folder + "/filler" + std::to_string(number); }

bool make_file(const std::string& path) {
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

}  // namespace

void small_disk_mount(Scene* scene, const std::string& folder, DiskLacks lacks, const At& at) {
  mkdir(folder.c_str(), 0755);
  const char* options = lacks == DiskLacks::Blocks ? "size=64k" : "size=1m,nr_inodes=24";
  check_number(mount("tmpfs", folder.c_str(), "tmpfs", 0, options), 0, "mount a tmpfs (these tests run as root)", at);
  scene->cleanups.push_back([folder] { umount2(folder.c_str(), MNT_DETACH); });
}

void small_disk_fill(const std::string& folder, DiskLacks lacks) {
  if (lacks == DiskLacks::Inodes) {
    for (int number = 0; make_file(filler(folder, number));) ++number;
    return;
  }
  int fd = open(filler(folder, 0).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char block[512] = {};
  while (write(fd, block, sizeof block) > 0) continue;
  while (write(fd, block, 1) > 0) continue;
  close(fd);
}

void small_disk_make_room(const std::string& folder) {
  for (int number = 0; unlink(filler(folder, number).c_str()) == 0;) ++number;
}
