// A small file system of a test's own, that can be filled to the last byte or to the last inode.
#ifndef SUPPORT_SMALL_DISK_H
#define SUPPORT_SMALL_DISK_H

#include <string>

#include "support/suite.h"

enum class DiskLacks { Blocks, Inodes };

// Mounted on that folder, which is made, until the scene ends: 64 KiB, or room for 24 files.
void small_disk_mount(Scene* scene, const std::string& folder, DiskLacks lacks, const At& at = At::current());
void small_disk_fill(const std::string& folder, DiskLacks lacks);  // of what is still there
void small_disk_make_room(const std::string& folder);

#endif
