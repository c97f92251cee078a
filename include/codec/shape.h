// Shapes of what operators write in settings: host names, addresses, subnets, image names, paths. Pure: nothing is looked up.
#ifndef CODEC_SHAPE_H
#define CODEC_SHAPE_H

#include <cstdint>
#include <string_view>

bool shape_is_ipv4(std::string_view text);  // four decimal parts, no leading zeros
bool shape_is_ipv6(std::string_view text);  // RFC 4291 without brackets and without a zone
bool shape_is_host_name(
    std::string_view text);  // RFC 1123 labels, '_' allowed; what looks like an IPv4 address must be one

// Host bits must be zero and the address one that hosts can have. False leaves *prefix alone.
bool shape_parse_subnet(std::string_view text, int* prefix);
// Containers that fit: all addresses but the network's own, the gateway's and the broadcast. (Engine 20.10: a /29 takes five.)
int64_t shape_subnet_room(int prefix);

// A reference as the engine takes it: [registry[:port]/]path[:tag][@digest]; also an image id.
bool shape_is_image(std::string_view text);
bool shape_is_network_name(
    std::string_view text);  // one that can stand in a URL path and is not one of the engine's own

// A control character anywhere, or what else a line cannot show as it is (text_one_line): bytes that are not UTF-8, marks that turn it.
bool shape_has_control(std::string_view text);

#endif
