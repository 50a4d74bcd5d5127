// Completion and cancellation of calls.
#include "host/src/calls/call.hpp"

#include <exception>
#include <utility>

#include <boost/core/demangle.hpp>

#include <flame/detail/calls.hpp>
#include <flame/future.hpp>

namespace flame::detail {

CallState::~CallState() = default;

std::shared_ptr<CallState> make_local_state(std::shared_ptr<CallState> parent) {
  auto executor = static_cast<pool::Waitable&>(*parent).executor();
  return std::make_shared<pool::LocalCall>(std::move(executor), std::move(parent));
}

void complete_local(CallState& state) {
  static_cast<pool::LocalCall&>(state).complete();
}

bool is_over(const CallState& state) noexcept {
  const auto& executor = static_cast<const pool::Waitable&>(state).executor();
  return executor != nullptr && executor->over();
}

bool awaits_too_often(const CallState& state) noexcept {
  const auto& executor = static_cast<const pool::Waitable&>(state).executor();
  return executor != nullptr && executor->awaits_too_often();
}

Error over_error() {
  return {.code = ErrorCode::shutting_down,
          .message = "the host has been shut down, and what its callbacks chain on further calls is not run any more"};
}

Error error_from_current_exception() {
  try {
    throw;
  } catch (const CallError& error) {
    return error.error();
  } catch (const std::exception& error) {
    return {
        .code = ErrorCode::task_failed, .type = boost::core::demangle(typeid(error).name()), .message = error.what()};
  } catch (...) {
    return {.code = ErrorCode::task_failed, .message = "an exception that is no std::exception left the callback"};
  }
}

Error invalid_future() {
  return {.code = ErrorCode::invalid_argument,
          .message = "this future is not valid: it was default-made, moved from, or its result was taken already",
          .started = Started::no};
}

}  // namespace flame::detail

namespace flame::pool {

void RemoteCall::Canceller::operator()() const noexcept {
  if (const auto alive = call.lock()) alive->cancel();
}

void RemoteCall::cancel_on(const std::stop_token& token) {
  if (token.stop_possible()) stop_.emplace(token, Canceller{weak_from_this()});
}

void RemoteCall::cancel() noexcept {
  // Once: a program that asks in a loop does not fill the inbox.
  if (ready() || cancel_asked_.exchange(true)) return;
  try {
    static_cast<void>(inbox_->push(command::Cancel{std::static_pointer_cast<RemoteCall>(shared_from_this())}));
  } catch (const std::bad_alloc&) {
    // Nothing to do it with: the call runs to its end.
  }
}

void RemoteCall::drop() noexcept {
  if (linked_.load()) cancel();
}

void RemoteCall::complete(Result<detail::Payload> outcome) {
  ticket.release();
  if (outcome.has_error()) {
    Error error = std::move(outcome).error();
    error.invocation = id_;
    outcome_ = std::move(error);
  } else {
    outcome_ = std::move(outcome);
  }
  set_ready();
}

}  // namespace flame::pool
