// See operations.hpp.
#include "host/src/setup/operations.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::pool {
namespace {

Error too_many() {
  return base::make_error(ErrorCode::queue_full,
                          std::to_string(limits::kOperationsRunningMax) +
                              " changes of plugin versions are under way on this host, which is as many as it takes at "
                              "once: ask again when one has ended; `flame status` shows what they wait for");
}

}  // namespace

control::Answer Operations::start(control::ChangeRequest request) {
  tidy();
  const std::lock_guard lock(mutex_);
  if (closed_) return base::make_error(ErrorCode::shutting_down, "the host is ending, so it changes no version");
  if (operations_.size() - ended() >= limits::kOperationsRunningMax) return too_many();
  const std::uint64_t number = ++last_number_;
  Operation& operation = operations_[number];
  operation.status = {.number = number, .change = control::describe(request), .state = "under_way", .result = {}};
  // Signals belong to the program's own threads.
  const base::SignalMaskScope blocked(base::all_but_faults());
  try {
    operation.thread = std::thread([this, &operation, request = std::move(request)] { run(operation, request); });
    pthread_setname_np(operation.thread.native_handle(), "flame-change");
  } catch (const std::system_error& error) {
    operations_.erase(number);
    return base::make_error(ErrorCode::out_of_memory, std::string("the host has no thread for the change (") +
                                                          error.what() +
                                                          "): raise its limit of processes, or ask again later");
  }
  return operation.status;
}

void Operations::run(Operation& operation, const control::ChangeRequest& request) noexcept {
  const base::AssertionsThrow ours;
  auto done = carry_out(request);
  const std::lock_guard lock(mutex_);
  if (done) {
    operation.status.state = "done";
    operation.status.result = std::move(*done);
  } else {
    operation.error = std::move(done).error();
  }
  operation.ended = true;
  one_ended_.notify_all();
}

Result<ActivateResult> Operations::carry_out(const control::ChangeRequest& request) const {
  try {
    return change_(request);
  } catch (const CallError& error) {
    return error.error();
  } catch (const std::bad_alloc&) {
    return base::make_error(ErrorCode::out_of_memory, "the host ran out of memory; nothing may have been changed");
  } catch (const std::exception& error) {
    return base::make_error(ErrorCode::invalid_argument,
                            "the change failed in a way that the host does not know: " + std::string(error.what()) +
                                "; `flame status` shows what it serves");
  }
}

control::Answer Operations::find(std::uint64_t number) {
  tidy();
  const std::lock_guard lock(mutex_);
  const auto found = operations_.find(number);
  if (found == operations_.end()) return not_remembered(number);
  if (found->second.error.code != ErrorCode::none) return found->second.error;
  return found->second.status;
}

Error Operations::not_remembered(std::uint64_t number) const {
  return base::make_error(ErrorCode::not_found, "this host knows no operation " + std::to_string(number) +
                                                    ": it has begun " + std::to_string(last_number_) +
                                                    ", and remembers those under way and the last " +
                                                    std::to_string(limits::kOperationsKept) +
                                                    " that have ended; `flame status` shows what "
                                                    "it serves now");
}

std::size_t Operations::ended() const {
  return static_cast<std::size_t>(std::ranges::count_if(operations_, [](const auto& one) { return one.second.ended; }));
}

// Joins who has ended, which takes no time, and forgets the oldest of them.
void Operations::tidy() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [number, operation] : operations_) {
      if (operation.ended && operation.thread.joinable()) threads.push_back(std::move(operation.thread));
    }
    std::size_t too_many = ended() - std::min(ended(), limits::kOperationsKept);
    std::erase_if(operations_, [&](const auto& one) { return one.second.ended && too_many > 0 && too_many-- > 0; });
  }
  for (std::thread& thread : threads) thread.join();
}

void Operations::close() {
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    one_ended_.wait(lock, [&] { return ended() == operations_.size(); });
  }
  tidy();
}

}  // namespace flame::pool
