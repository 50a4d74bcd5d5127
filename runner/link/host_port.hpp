// What others say to the host. HostLink sends it; simulated worlds have a network of their own.
#pragma once

#include <cstddef>

#include "plugin_sdk/wire/line.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/link/frame.hpp"

namespace flame::runner {

/// Threads: the supervisor's loop thread only. Nothing here blocks, and nothing happens when the host is lost.
class HostPort {
 public:
  /// Sends on `control`, at the latest with the next turn of the loop: what one turn says goes as one message.
  virtual void send(const wire::Body& body, Frame payload = Frame()) = 0;
  /// Sends on `bulk`.
  virtual void send_bulk(const wire::Body& body, Frame payload = Frame()) = 0;
  /// Bytes that wait for the host to read, without this turn's. Output and progress are not worth queueing behind much
  /// of that.
  [[nodiscard]] virtual std::size_t backlog(wire::Line line) const = 0;

 protected:
  ~HostPort() = default;
};

}  // namespace flame::runner
