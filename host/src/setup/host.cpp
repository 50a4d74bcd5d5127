// The public face of a host and its pools.
#include <flame/host.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include <flame/backend.hpp>

#include "host/src/setup/running_host.hpp"
#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame {
namespace {

// What the loop answers to the command that `make` makes of a reply; `ended` if there is no loop any more, Answer() if
// it fails before it answers.
template <class Answer, class Make>
Answer ask(const detail::PoolFront& core, Make make, Answer ended = {}) {
  std::promise<Answer> promise;
  std::future<Answer> answer = promise.get_future();
  auto reply = [promise = std::move(promise)](const Answer& given) mutable { promise.set_value(given); };
  if (!core.parts().inbox->push(make(std::move(reply)))) return ended;
  const pool::Executor::BlockingScope blocking;
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return Answer();
  }
}

}  // namespace

class Host::Impl : public pool::RunningHost {
 public:
  using RunningHost::RunningHost;
};

Host Host::from_file(const std::string& path) {
  return Host(load_config(path).value());
}

Host Host::from_toml(std::string_view text, std::string_view name) {
  return Host(parse_config(text, std::string(name)).value());
}

Host::Host(HostConfig config) : Host(std::move(config), {}) {}

Host::Host(HostConfig config, std::vector<std::shared_ptr<Backend>> backends)
    : impl_(std::make_shared<Impl>(std::move(config), std::move(backends))) {}

Host::Host(Host&&) noexcept = default;

Host& Host::operator=(Host&& other) noexcept {
  if (this != &other) {
    release();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Host::~Host() {
  release();
}

// A fork has none of the threads and shares all of the files: nothing is ended or removed there.
void Host::release() noexcept {
  if (impl_ != nullptr && impl_->forked()) static_cast<void>(new std::shared_ptr<Impl>(std::move(impl_)));
  impl_.reset();
}

Pool Host::pool(std::string_view name) const {
  const auto& pools = impl_->pools();
  if (const auto found = pools.find(name); found != pools.end()) return Pool(found->second);
  const std::vector<std::string> names = pool_names();
  std::string message = "there is no pool \"" + std::string(name) + "\"" + base::did_you_mean(name, names) + ". Pools:";
  for (const std::string& known : names) message += " " + known;
  throw CallError(base::refusal(ErrorCode::not_found, std::move(message)));
}

std::vector<std::string> Host::pool_names() const {
  std::vector<std::string> names;
  for (const auto& [name, core] : impl_->pools()) names.push_back(name);
  return names;
}

ActivateResult Host::activate(std::string_view plugin, const ActivateOptions& options) {
  return impl_->changes().activate(plugin, options).value();
}

ActivateResult Host::rollback(std::string_view plugin, const ActivateOptions& options) {
  return impl_->changes().rollback(plugin, options).value();
}

void Host::shutdown() {
  if (impl_ != nullptr) impl_->shutdown();
}

std::string Pool::name() const {
  return core_->name();
}

PoolStats Pool::stats() const {
  return ask<PoolStats>(*core_, [&](auto reply) {
    return pool::command::AskStats{core_->parts().index, std::move(reply)};
  });
}

void Pool::resize(std::uint32_t min, std::uint32_t max) {
  if (max == 0 || min > max || max > limits::kRunnersCeiling) {
    throw CallError(base::make_error(ErrorCode::invalid_argument, "resize: needs min <= max and 1 <= max <= " +
                                                                      std::to_string(limits::kRunnersCeiling)));
  }
  const bool done = ask<bool>(*core_, [&](auto reply) {
    return pool::command::Resize{core_->parts().index, min, max, std::move(reply)};
  });
  if (!done) {
    throw CallError(base::make_error(ErrorCode::shutting_down, "resize: the host of this pool has been shut down"));
  }
}

void Pool::expect(std::uint32_t calls, TimeLimit within) {
  static_cast<void>(core_->parts().inbox->push(pool::command::Expect{core_->parts().index, {calls, within}}));
}

bool Pool::drain(TimeLimit timeout) {
  const Duration grace = std::max<Duration>(timeout, Duration::zero());
  core_->gate().close();
  return ask<bool>(
      *core_,
      [&](auto reply) {
        return pool::command::Drain{core_->parts().index, grace, std::move(reply)};
      },
      true);
}

void Pool::on_progress(detail::UniqueFunction<void(const ProgressEvent&)> callback) {
  core_->set_callback(std::move(callback));
}
void Pool::on_log(detail::UniqueFunction<void(const LogEvent&)> callback) {
  core_->set_callback(std::move(callback));
}
void Pool::on_cast_error(detail::UniqueFunction<void(const CastError&)> callback) {
  core_->set_callback(std::move(callback));
}
void Pool::on_grow_start(detail::UniqueFunction<void(const GrowStart&)> callback) {
  core_->set_callback(std::move(callback));
}
void Pool::on_grow_end(detail::UniqueFunction<void(const GrowEnd&)> callback) {
  core_->set_callback(std::move(callback));
}
void Pool::on_shrink(detail::UniqueFunction<void(const Shrink&)> callback) {
  core_->set_callback(std::move(callback));
}

}  // namespace flame
