// How much a log line matters.
#ifndef CODEC_LOG_LEVEL_H
#define CODEC_LOG_LEVEL_H

enum class LogLevel { Debug, Info, Warning, Error };

#endif
