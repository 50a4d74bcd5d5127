// Submitting, collecting and writing of `flame map`.
#include "tools/flame/map_run.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

constexpr std::size_t kConcurrencyMax = 1024;
/// With --ordered: results that may wait for an earlier one before no further item is started.
constexpr std::size_t kHeldMax = 4096;
constexpr int kIdlePollMs = 20;

}  // namespace

std::size_t default_concurrency(const PoolConfig& pool) {
  const std::size_t per_runner = pool.single_use ? 1 : pool.max_concurrency;
  return std::clamp<std::size_t>(pool.max * per_runner, 1, kConcurrencyMax);
}

MapRun::MapRun(Session& session, JsonCodec codec, const MapOptions& options, std::optional<Duration> timeout,
               const Interrupts& interrupts)
    : session_(session),
      options_(options),
      interrupts_(interrupts),
      interrupted_(interrupts.token(), [this] { stop_.request_stop(); }),
      woken_(stop_.get_token(), [this] { stop_event_.signal(); }),
      call_options_{.timeout = timeout, .stop = stop_.get_token()},
      concurrency_(options.concurrency > 0 ? options.concurrency : default_concurrency(session.config)),
      codec_(std::move(codec)),
      output_(STDOUT_FILENO, interrupts.fd()),
      order_(options.ordered),
      status_(std::make_shared<MapStatus>(count_lines(STDIN_FILENO), interrupts.fd())) {}

int MapRun::run() {
  session_.pool.on_log([status = status_](const LogEvent& event) { status->print_output(event.text); });
  LineReader input(STDIN_FILENO, stop_event_.fd());
  while (!stopped()) {
    wait_for_room();
    auto line = input.next();
    if (!line) break;
    submit(std::move(*line));
  }
  status_->set_total(submitted_);
  wait_for_all();
  if (options_.until_idle && !stopped()) wait_until_idle();
  session_.pool.on_log({});
  return outcome(input.error());
}

int MapRun::outcome(int read_error) {
  const std::lock_guard lock(mutex_);
  if (output_error_ != 0 && !interrupts_.interrupted()) {
    status_->clear();
    throw OutputError(output_error_);
  }
  status_->close();
  if (interrupts_.interrupted()) return interrupts_.exit_code();
  if (read_error != 0) print_error(input_error(read_error), false);
  return status_->failures() > 0 || read_error != 0 ? kFailed : kOk;
}

bool MapRun::stopped() {
  const std::lock_guard lock(mutex_);
  return output_error_ != 0 || interrupts_.interrupted();
}

void MapRun::wait_for_room() {
  std::vector<std::uint64_t> finished;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return output_error_ != 0 || (running_ < concurrency_ && order_.held() < kHeldMax); });
    finished.swap(finished_);
  }
  forget_finished(std::move(finished));
}

void MapRun::wait_for_all() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return running_ == 0; });
  lock.unlock();
  in_flight_.clear();
}

void MapRun::forget_finished(std::vector<std::uint64_t> finished) {
  for (const auto item : finished) in_flight_.erase(item);
}

void MapRun::submit(InputLine line) {
  {
    const std::lock_guard lock(mutex_);
    order_.announce(line.number);
    ++running_;
  }
  ++submitted_;
  status_->started(line.number);
  auto payload = arguments(line);
  if (payload) {
    start(line.number, std::move(*payload));
  } else {
    finish(line.number, std::move(payload).error());
  }
}

Result<RawPayload> MapRun::arguments(const InputLine& line) {
  if (line.too_long) {
    return Error{.code = ErrorCode::too_large, .message = "the line is longer than 1 GiB; pass files as \"@path\"."};
  }
  const auto json = parse_json(line.text);
  if (!json) return json.error();
  return codec_.encode(*json);
}

void MapRun::start(std::uint64_t item, RawPayload payload) {
  auto call =
      async_raw(session_.pool, options_.task, std::move(payload), call_options_,
                [status = status_, item](double fraction, const std::string&) { status->progress(item, fraction); });
  in_flight_[item] = std::move(call).then([this, item](Result<RawPayload> result) { finish(item, result); });
}

void MapRun::finish(std::uint64_t item, const Result<RawPayload>& result) {
  std::stop_source stop = stop_;  // the run may end, and this object with it, as soon as the item has finished
  if (!finish_locked(item, result)) stop.request_stop();
}

void MapRun::write_locked(std::uint64_t item, const Result<RawPayload>& result) {
  auto value = decoded(item, result);
  Json line{{"index", item}};
  line.update(value ? success(std::move(*value)) : failure(value.error()));
  output_error_ = output_.try_write(order_.finish(item, json_line(line)));
  value ? status_->succeeded(item) : status_->failed(item, value.error());
}

// False once standard output takes no more: what is cancelled then is no news.
bool MapRun::finish_locked(std::uint64_t item, const Result<RawPayload>& result) {
  const std::lock_guard lock(mutex_);
  if (output_error_ == 0) write_locked(item, result);
  --running_;
  finished_.push_back(item);
  changed_.notify_all();
  return output_error_ == 0;
}

Result<Json> MapRun::decoded(std::uint64_t item, const Result<RawPayload>& result) {
  if (!result) return result.error();
  return codec_.decode(*result, attachment_writer(options_, fmt::format("{}-", item)));
}

void MapRun::wait_until_idle() {
  std::optional<std::uint32_t> said;
  while (!interrupts_.interrupted()) {
    const auto stats = session_.pool.stats();
    const auto up = stats.runners + stats.booting;  // those that drain are among the runners
    if (said != up) status_->say(fmt::format("all calls have ended; runners up: {}", up));
    said = up;
    if (up <= stats.min) return;
    pollfd stop{.fd = interrupts_.fd(), .events = POLLIN, .revents = 0};
    ::poll(&stop, 1, kIdlePollMs);
  }
}

}  // namespace flame::cli
