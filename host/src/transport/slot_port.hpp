// The seam between pool decisions and how bytes reach a leased slot. Session (over ROUTER) is the one implementation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <flame/detail/payload.hpp>
#include <flame/error.hpp>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

class RemoteCall;

/// What comes back from the slots of one runner. "Result" and "ended" are two events; only the second frees the lease.
/// Loop thread.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void on_begun(CallId call) = 0;
  /// With an error, `payload` has at most resources: objects that the call left all the same.
  virtual void on_result(CallId call, std::optional<Error> error, detail::Payload payload) = 0;
  /// `why`: what ended the objects that the call had left in its slot; nullopt: nothing did, or there were none.
  virtual void on_ended(CallId call, std::optional<Error> why) = 0;
  virtual void on_output(const wire::Output& output) = 0;
  virtual void on_progress(const wire::Progress& progress) = 0;
};

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
