// Names in a settings file that look like slips of the fingers.
#ifndef CODEC_TYPO_H
#define CODEC_TYPO_H

#include <span>
#include <string>

struct SettingRow;

// What to warn of; empty when the name is one of these, or nobody's business.
std::string typo_warning(const std::string& name, std::span<const SettingRow> known);

#endif
