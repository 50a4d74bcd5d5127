// What Future, Pool and the loop share about one call, with the types erased: raw bytes in, raw bytes out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/detail/object.hpp>
#include <flame/detail/payload.hpp>
#include <flame/detail/unique_function.hpp>
#include <flame/error.hpp>
#include <flame/options.hpp>
#include <flame/result.hpp>

namespace flame::detail {

using Continuation = UniqueFunction<void()>;

/// One call that was handed to the loop, or the result of a `then`. All functions: any thread, unless said otherwise.
class CallState {
 public:
  CallState() = default;
  CallState(const CallState&) = delete;
  CallState& operator=(const CallState&) = delete;
  virtual ~CallState();

  /// Number of the call in this host; the same in logs and callbacks. 0 for the result of a `then`.
  [[nodiscard]] virtual std::uint64_t id() const noexcept = 0;
  [[nodiscard]] virtual bool ready() const noexcept = 0;
  /// Blocks until ready (true) or `timeout` passed (false); a negative timeout waits for ever. On a callback thread
  /// other callbacks go on meanwhile.
  virtual bool wait(Duration timeout) = 0;
  /// Asks for the end of the call; it completes as `cancelled` unless it completes first. Never blocks.
  virtual void cancel() noexcept = 0;
  /// The handle is gone: cancels if still linked and not ready.
  virtual void drop() noexcept = 0;
  virtual void detach() noexcept = 0;
  /// Once, after ready(): the encoded result or the error.
  [[nodiscard]] virtual Result<Payload> take() = 0;
  /// Once, after ready(): makes handles of the objects that the result names; null if it names none. Objects that got
  /// no handle are let go with it.
  [[nodiscard]] virtual std::unique_ptr<ObjectSource> take_objects() { return nullptr; }
  /// Runs `continuation` on the host's callback threads once ready. At most one per state.
  virtual void subscribe(Continuation continuation) = 0;
  /// True: the continuation will never run. False: there is none, or it has begun.
  virtual bool unsubscribe() noexcept = 0;
};

/// What a call asks for. `signature` is the contract's schema text, empty when the plugin's own is to be taken.
struct CallSpec {
  std::string task;
  std::uint64_t fingerprint = 0;
  std::string_view signature = {};  ///< static storage
  Payload arguments = {};
  CallOptions options = {};
  ObjectHandle object = nullptr;           ///< that a method is called on
  std::vector<ObjectHandle> objects = {};  ///< that the arguments name: arguments.resources, kept alive by the call
  bool child = false;                      ///< the task makes a child
  bool cast = false;
  bool blocking = false;                                              ///< the caller calls wait(-1) at once
  UniqueFunction<void(double, const std::string&)> on_progress = {};  ///< on a callback thread, in order
};

class PoolFront;  // one pool of one host, shared by its handles

/// Hands a call to the loop; never blocks. Errors known at once (shutting_down, not_found, too_large, …) complete the
/// state before it returns.
[[nodiscard]] std::shared_ptr<CallState> submit(const std::shared_ptr<PoolFront>& pool, CallSpec spec);
/// The same for a method, in the pool where `spec.object` lives. Throws CallError invalid_argument if it is of this
/// process.
[[nodiscard]] std::shared_ptr<CallState> submit_method(CallSpec spec);

/// A state without remote work: `then` completes it. `parent` is cancelled and dropped through it (the moved link).
[[nodiscard]] std::shared_ptr<CallState> make_local_state(std::shared_ptr<CallState> parent);
void complete_local(CallState& state);

}  // namespace flame::detail
