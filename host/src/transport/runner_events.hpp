// What comes from the runners of one pool: the one way from connections to decisions.
#pragma once

#include <optional>
#include <string>

#include <flame/detail/payload.hpp>
#include <flame/error.hpp>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

class Session;

/// "Result" and "ended" are two events; only the second frees the lease. Loop thread; `now` is its time.
class RunnerEvents {
 public:
  /// A runner with the right key and nonce. The pool answers with Welcome or SessionTable::refuse().
  virtual void on_hello(Session& session, const wire::Hello& hello, Instant now) = 0;
  /// Anything that is neither hello nor about calls: Beat, Retire, Bye, ….
  virtual void on_notice(Session& session, const wire::Body& body, Instant now) = 0;
  /// Something was received that no other function tells of.
  virtual void on_heard(RunnerId runner, Instant now) = 0;
  /// The connection is gone, or the peer broke the protocol. The session is closed already.
  virtual void on_lost(Session& session, const std::string& reason, Instant now) = 0;

  virtual void on_begun(RunnerId runner, CallId call, Instant now) = 0;
  /// With an error, `payload` has at most resources: objects that the call left all the same.
  virtual void on_result(RunnerId runner, CallId call, std::optional<Error> error, detail::Payload payload,
                         Instant now) = 0;
  /// `why`: what ended the objects that the call had left in its slot; nullopt: nothing did, or there were none.
  virtual void on_ended(RunnerId runner, CallId call, std::optional<Error> why, Instant now) = 0;
  virtual void on_output(RunnerId runner, const wire::Output& output) = 0;
  virtual void on_progress(RunnerId runner, const wire::Progress& progress) = 0;

 protected:
  ~RunnerEvents() = default;
};

}  // namespace flame::pool
