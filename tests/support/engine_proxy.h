// A proxy between the daemon and its engine, unix socket to unix socket, that does to the answers what no real engine would.
#ifndef SUPPORT_ENGINE_PROXY_H
#define SUPPORT_ENGINE_PROXY_H

#include <string>

#include "support/suite.h"

enum class Wire {
  Whole,      // as if it were not there
  Refuse,     // connections are refused, or closed at once where only one kind is meant; open streams end
  Hang,       // taken, and never answered; when that is over they are closed
  Status500,  // a well-formed error to everything
  Nonsense,   // no HTTP, broken JSON, JSON of the wrong shape, in turn
  OtherType,  // success, in the name of something that is no engine: a page, or JSON that does not call itself that
  CutBody,    // the engine does it, its answer breaks off in the middle
  CutChunk,   // the same in the middle of a chunk
  Drip,       // the engine does it, its answer comes with one byte a second
  Flood,      // 100 MB
  Words       // what engine_proxy_words gave, in the name of the engine
};
const char* wire_name(Wire wire);

// Which calls are meant; Other: versions, networks, images.
enum class Place { All, Create, Start, Inspect, List, Remove, Rename, Other };
const char* place_name(Place place);

struct EngineProxy;

// Listens on `path` for this scene. Event streams (`GET /events`) and all other calls are treated each in their way; a stream that is open
// when its treatment changes is treated from then on.
EngineProxy* engine_proxy_make(Scene* scene, const std::string& path, const std::string& engine_socket);
void engine_proxy_set(EngineProxy* proxy, Wire calls, Wire events);
// Calls of this place alone; the rest, and the event streams, whole.
void engine_proxy_set_place(EngineProxy* proxy, Place place, Wire calls);
// For Wire::Words: the status line's end ("500 No") and a JSON body to a call, or the lines of a stream, which then ends.
void engine_proxy_words(EngineProxy* proxy, const std::string& status, const std::string& body);
int engine_proxy_spoilt(EngineProxy* proxy);  // how many calls and streams were not left whole so far

#endif
