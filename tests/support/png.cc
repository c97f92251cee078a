// PNG by libpng's simplified API, and pixel arithmetic.
#include "support/png.h"

#include <png.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace {

bool alike(uint32_t a, uint32_t b, int tolerance) {
  for (int shift = 0; shift < 24; shift += 8) {
    int difference = static_cast<int>((a >> shift) & 0xff) - static_cast<int>((b >> shift) & 0xff);
    if (abs(difference) > tolerance) return false;
  }
  return true;
}

}  // namespace

bool png_decode(const std::string& bytes, Picture* out) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) return false;
  image.format = PNG_FORMAT_RGB;
  std::vector<uint8_t> rgb(PNG_IMAGE_SIZE(image));
  png_color black = {0, 0, 0};
  if (png_image_finish_read(&image, &black, rgb.data(), 0, nullptr) == 0) return false;
  Picture picture;
  picture.width = static_cast<int>(image.width);
  picture.height = static_cast<int>(image.height);
  picture.pixels.resize(rgb.size() / 3);
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    picture.pixels[i] = static_cast<uint32_t>(rgb[i * 3] << 16 | rgb[i * 3 + 1] << 8 | rgb[i * 3 + 2]);
  }
  *out = std::move(picture);
  return true;
}

bool png_write(const std::string& path, const Picture& picture) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  std::vector<uint8_t> rgb;
  rgb.reserve(picture.pixels.size() * 3);
  for (uint32_t pixel : picture.pixels) {
    for (int shift = 16; shift >= 0; shift -= 8) rgb.push_back(static_cast<uint8_t>(pixel >> shift));
  }
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<uint32_t>(picture.width);
  image.height = static_cast<uint32_t>(picture.height);
  image.format = PNG_FORMAT_RGB;
  return png_image_write_to_file(&image, path.c_str(), 0, rgb.data(), 0, nullptr) != 0;
}

double picture_share(const Picture& picture, uint32_t rgb, int tolerance) {
  size_t count = 0;
  for (uint32_t pixel : picture.pixels) count += alike(pixel, rgb, tolerance) ? 1 : 0;
  return picture.pixels.empty() ? 0 : static_cast<double>(count) / static_cast<double>(picture.pixels.size());
}

bool picture_find(const Picture& picture, uint32_t rgb, int tolerance, PictureBox* out) {
  PictureBox box = {picture.width, picture.height, -1, -1};
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      size_t i = static_cast<size_t>(y) * static_cast<size_t>(picture.width) + static_cast<size_t>(x);
      if (!alike(picture.pixels[i], rgb, tolerance)) continue;
      if (x < box.left) box.left = x;
      if (x > box.right) box.right = x;
      if (y < box.top) box.top = y;
      if (y > box.bottom) box.bottom = y;
    }
  }
  if (box.right < 0) return false;
  *out = box;
  return true;
}
