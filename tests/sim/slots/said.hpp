// What a slot's process says on its channel, in order.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <variant>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/types.hpp"

namespace flame::sim::said {

struct Hello {
  pid_t pid;
};
/// It waits for work; or, `reusable` false, for its end.
struct Ready {
  bool reusable = true;
  ErrorCode code = ErrorCode::none;  // it could not be started
  bool shortage = false;             // … for want of something
  std::uint32_t objects = 0;
};
/// A function has ended; unless its bytes are `streamed`, Ready is part of it.
struct Outcome {
  std::uint64_t id = 0;
  ErrorCode code = ErrorCode::none;
  std::uint64_t bytes = 0;
  bool streamed = false;
  bool brief = false;
  std::vector<std::uint64_t> objects;
  bool goes_on = false;  // with what has been sent behind it
  Ready ready;
};
struct Chunk {
  std::uint64_t id = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool last = false;
};
/// A chunk of a call's bytes has been taken in.
struct Ack {};
struct ChildEnded {
  bool failed = false;
};

using Message = std::variant<Hello, Ready, Outcome, Chunk, Ack, ChildEnded>;

}  // namespace flame::sim::said
