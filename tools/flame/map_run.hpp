// The work of `flame map`: lines in, calls with a bound on how many are in flight, lines out.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "plugin_sdk/base/event_fd.hpp"
#include "tools/flame/call_options.hpp"
#include "tools/flame/interrupts.hpp"
#include "tools/flame/line_reader.hpp"
#include "tools/flame/map_order.hpp"
#include "tools/flame/map_status.hpp"
#include "tools/flame/session.hpp"

namespace flame::cli {

struct MapOptions : SharedOptions {
  std::size_t concurrency = 0;  ///< calls in flight; 0: as many as the pool can run at once
  bool ordered = false;
  bool until_idle = false;
};

/// Calls that a pool with this configuration can run at once, within reason for one command.
[[nodiscard]] std::size_t default_concurrency(const PoolConfig& pool);

/// One run. The members marked so are used by the calling thread alone; results come on the host's callback threads.
class MapRun {
 public:
  MapRun(Session& session, JsonCodec codec, const MapOptions& options, std::optional<Duration> timeout,
         const Interrupts& interrupts);

  /// Reads standard input to its end, waits for all calls. The exit code. Throws OutputError, with nothing running.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] bool stopped();
  [[nodiscard]] int outcome(int read_error);
  void wait_for_room();
  void wait_for_all();
  void submit(InputLine line);
  [[nodiscard]] Result<RawPayload> arguments(const InputLine& line);
  void start(std::uint64_t item, RawPayload payload);
  void finish(std::uint64_t item, const Result<RawPayload>& result);
  void write_locked(std::uint64_t item, const Result<RawPayload>& result);
  [[nodiscard]] bool finish_locked(std::uint64_t item, const Result<RawPayload>& result);
  [[nodiscard]] Result<Json> decoded(std::uint64_t item, const Result<RawPayload>& result);
  void forget_finished(std::vector<std::uint64_t> finished);
  void wait_until_idle();

  Session& session_;
  const MapOptions& options_;
  const Interrupts& interrupts_;
  std::stop_source stop_;  // any thread: cancels all calls, and ends the reading
  base::EventFd stop_event_;
  const std::stop_callback<std::function<void()>> interrupted_;
  const std::stop_callback<std::function<void()>> woken_;
  const CallOptions call_options_;
  const std::size_t concurrency_;
  const JsonCodec codec_;
  std::map<std::uint64_t, Future<void>> in_flight_;  // calling thread
  std::uint64_t submitted_ = 0;                      // calling thread

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  const Terminal output_;
  MapOrder order_;
  std::size_t running_ = 0;
  std::vector<std::uint64_t> finished_;
  int output_error_ = 0;  // errno of the write that failed
  // Guards itself. Shared with the host's callbacks, which may come after the run has ended.
  const std::shared_ptr<MapStatus> status_;
};

}  // namespace flame::cli
