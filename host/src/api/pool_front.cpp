// From a CallSpec to a record that the loop can work with.
#include "host/src/api/pool_front.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"

namespace flame::detail {
namespace {

// Longest time that fits the clocks of all parties; more is for ever.
constexpr Duration kBudgetMax = std::chrono::hours(24 * 365 * 100);

}  // namespace

PoolFront::PoolFront(Parts parts)
    : parts_(std::move(parts)),
      strand_(std::make_shared<pool::Strand>(parts_.executor)),
      gate_(std::make_shared<pool::QueueGate>(parts_.config)) {
  Plugins plugins;
  for (const pool::DigestId id : parts_.plugins) plugins.push_back(&parts_.catalog->plugin(id));
  publish(std::move(plugins));
}

void PoolFront::serve(std::size_t place, const pool::CatalogPlugin& plugin) {
  Plugins plugins = this->plugins();
  plugins.at(place) = &plugin;
  publish(std::move(plugins));
}

// None is ever taken away: a caller may read it now. Changes that go back and forth make no more of them.
void PoolFront::publish(Plugins plugins) {
  const auto known = std::ranges::find_if(snapshots_, [&](const auto& one) { return *one == plugins; });
  if (known == snapshots_.end()) {
    snapshots_.push_back(std::make_unique<const Plugins>(std::move(plugins)));
    plugins_.store(snapshots_.back().get(), std::memory_order_release);
  } else {
    plugins_.store(known->get(), std::memory_order_release);
  }
}

std::shared_ptr<CallState> submit(const std::shared_ptr<PoolFront>& pool, CallSpec spec) {
  return pool->submit(std::move(spec));
}

Result<pool::TaskRef> PoolFront::find_task(const CallSpec& spec, const pool::Destination& destination) {
  pool::TaskQuery query{.name = spec.task, .fingerprint = std::nullopt, .schema = spec.signature};
  if (!spec.signature.empty()) query.fingerprint = spec.fingerprint;
  if (destination.lease == nullptr) return tasks_.find(plugins(), query);
  const pool::CatalogPlugin* const there = &parts_.catalog->plugin(destination.lease->parts().digest);
  return tasks_.find(std::span(&there, 1), query);
}

std::optional<Error> PoolFront::check_kind(const CallSpec& spec, const manifest::TaskEntry& entry) {
  const auto refusal = [&](const char* what) {
    return Error{.code = ErrorCode::invalid_argument, .message = entry.name + what};
  };
  if (spec.arguments.resources.size() != spec.objects.size()) {
    return refusal(": tracked resources cannot be passed as bytes; call it with their handles, from C++");
  }
  if (entry.kind == manifest::TaskKind::method && spec.object == nullptr) {
    return refusal(" is a method: call it on a Tracked or Child handle");
  }
  if (entry.kind == manifest::TaskKind::child && !spec.child) return refusal(" makes a child: use Pool::place_child");
  if (entry.kind == manifest::TaskKind::child && !spec.objects.empty()) {
    return refusal(
        " makes a child, which gets a slot of its own and cannot use tracked resources; pass the data itself");
  }
  return std::nullopt;
}

Result<pool::CallRecord> PoolFront::make_record(CallSpec& spec) {
  auto destination = pool::find_destination(*this, spec);
  if (destination.has_error()) return destination.error();
  auto task = find_task(spec, *destination);
  if (task.has_error()) return task.error();
  const manifest::TaskEntry& entry = *task->entry;
  if (auto problem = check_kind(spec, entry)) return std::move(*problem);
  auto info = wire::describe(spec.arguments, parts_.config.payload_max);
  if (info.has_error()) return info.error();
  std::optional<Duration> budget = spec.options.timeout;
  if (budget && *budget < Duration::zero()) {
    return Error{.code = ErrorCode::invalid_argument, .message = "CallOptions::timeout is negative or not a number"};
  }
  if (!budget && entry.timeout > Duration::zero()) budget = entry.timeout;
  if (!budget && spec.cast) budget = kForever;
  if (budget && *budget > kBudgetMax) budget = kForever;
  pool::CallRecord record;
  record.pool = parts_.index;
  record.plugin = task->plugin->reference;
  record.task = entry.name;
  record.wire_bytes = wire::wire_size(spec.arguments);
  record.arguments = std::move(spec.arguments);
  record.submit.digest = task->plugin->id;
  record.submit.budget = budget;
  record.submit.retries = spec.options.retries.value_or(entry.retries);
  record.submit.idempotent = entry.idempotent;
  record.invoke.digest = task->plugin->digest;
  record.invoke.task = entry.id;
  record.invoke.object = destination->object;
  record.invoke.payload = std::move(*info);
  record.set_linked(spec.options.link);
  record.cast = spec.cast;
  record.child = spec.child;
  record.set_lease(destination->lease == nullptr ? 0 : destination->lease->parts().id);
  record.lease = std::move(destination->lease);
  record.handles = std::move(spec.objects);
  if (spec.object != nullptr) record.handles.push_back(std::move(spec.object));
  record.on_progress = std::move(spec.on_progress);
  return record;
}

std::shared_ptr<CallState> PoolFront::submit(CallSpec spec) {
  const base::AssertionsThrow ours;
  Result<pool::CallRecord> record =
      parts_.inbox->forked() ? Result<pool::CallRecord>(pool::forked_error()) : make_record(spec);
  std::optional<Error> refused;
  if (record.has_error()) {
    refused = record.error();
    record = pool::CallRecord{.task = spec.task, .cast = spec.cast};
  }
  record->set_id(parts_.inbox->next_call());
  auto call = std::make_shared<pool::RemoteCall>(parts_.executor, parts_.inbox, std::move(*record));
  if (!refused) refused = hand_over(call, spec.blocking);
  if (refused) {
    refuse(*call, std::move(*refused));
  } else {
    call->cancel_on(spec.options.stop);
  }
  return call;
}

std::optional<Error> PoolFront::hand_over(const std::shared_ptr<pool::RemoteCall>& call, bool blocking) {
  using Wake = pool::Inbox::Wake;
  if (auto full = pool::QueueGate::enter(gate_, call->record.wire_bytes, call->ticket)) return full;
  if (!parts_.inbox->push(pool::command::Submit{call}, blocking ? Wake::later : Wake::now)) {
    return parts_.inbox->refusal();
  }
  return std::nullopt;
}

void PoolFront::refuse(pool::RemoteCall& call, Error error) {
  error.started = Started::no;
  const std::string task = call.record.task;
  using Refused = pool::command::Refused;
  const bool told =
      refusals_untold_.fetch_add(1) < limits::kRefusalsToldMax &&
      parts_.inbox->push(Refused{parts_.index, std::make_unique<Refused::What>(Refused::What{call.id(), task, error})});
  if (!told) refusal_told();
  if (call.record.cast) cast_failed(call.id(), task, error);
  call.record.arguments = {};
  call.record.handles.clear();
  call.complete(std::move(error));
}

void PoolFront::cast_failed(std::uint64_t call, const std::string& task, const Error& error) {
  const bool listened_to = listens<CastError>();
  if (listened_to && strand_->waiting() >= limits::kChatterWaitingMax) {
    ++cast_errors_dropped_;
    return;
  }
  if (const std::uint64_t dropped = listened_to ? cast_errors_dropped_.exchange(0) : 0; dropped > 0) {
    parts_.log.warning("casts failed faster than on_cast_error took them",
                       {{"pool", parts_.name}, {"untold", dropped}});
  }
  if (!notify(CastError{parts_.name, call, task, error})) {
    parts_.log.warning("cast failed",
                       {{"pool", parts_.name}, {"call", call}, {"task", task}, {"error", error.to_string()}});
  }
}

void PoolFront::log_output(LogEvent event) {
  static constexpr const char* kSources[] = {"stdout", "stderr", "log"};
  if (listens<LogEvent>() && strand_->waiting() >= limits::kChatterWaitingMax) {
    output_dropped_ += event.dropped + event.text.size();
    return;
  }
  event.dropped += std::exchange(output_dropped_, 0);
  if (notify(event)) return;
  const auto level = static_cast<base::LogLevel>(std::clamp(event.level, 0, 3));
  std::string_view rest = event.text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    parts_.log.log(level, rest.substr(0, end),
                   {{"pool", event.pool},
                    {"runner", event.runner},
                    {"call", event.call},
                    {"from", kSources[static_cast<std::size_t>(event.source)]}});
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (event.dropped > 0) {
    parts_.log.warning("output was dropped",
                       {{"runner", event.runner}, {"call", event.call}, {"bytes", event.dropped}});
  }
}

void PoolFront::report_progress(ProgressEvent event, pool::Task watcher) {
  if (strand_->waiting() >= limits::kChatterWaitingMax) return;
  notify(std::move(event));
  if (watcher) strand_->post(std::move(watcher));
}

}  // namespace flame::detail
