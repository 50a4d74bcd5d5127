// The seam between pool decisions and how bytes reach a leased slot. Session (over ROUTER) is the one implementation.
#pragma once

#include <cstdint>
#include <memory>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

class RemoteCall;

/// The way to one runner's slots. Loop thread; never blocks.
class SlotPort {
 public:
  virtual ~SlotPort() = default;
  /// Queues the invocation. It carries what is left until `deadline` when it is put on the wire.
  virtual void send(std::shared_ptr<RemoteCall> call, Instant deadline, std::uint32_t attempt) = 0;
  /// True: the invocation was still queued and will never be sent. False: the runner was told to stop it.
  virtual bool cancel(CallId call, wire::CancelReason reason) = 0;
};

}  // namespace flame::pool
