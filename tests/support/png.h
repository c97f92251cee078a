// Pictures: read from and written to PNG, and what tests want to know about their pixels.
#ifndef SUPPORT_PNG_H
#define SUPPORT_PNG_H

#include <cstdint>
#include <string>
#include <vector>

struct Picture {
  int width = 0;
  int height = 0;
  std::vector<uint32_t> pixels;  // 0xRRGGBB, row by row
};

// False when the bytes are no PNG; *out is untouched then.
bool png_decode(const std::string& bytes, Picture* out);
// Makes the folder where it is missing. False when the file cannot be written.
bool png_write(const std::string& path, const Picture& picture);

// How much of the picture, 0 to 1, has this colour, give or take `tolerance` in each of red, green and blue.
double picture_share(const Picture& picture, uint32_t rgb, int tolerance = 8);
// Where pixels of that colour lie: the smallest box around them. False when there is none.
struct PictureBox {
  int left = 0, top = 0, right = 0, bottom = 0;  // right and bottom are the last column and row
};
bool picture_find(const Picture& picture, uint32_t rgb, int tolerance, PictureBox* out);

#endif
