// Events in, actions out, actions done.
#include "host/src/loop/pool_driver.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "host/src/loop/generation_messages.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

namespace {

// Bytes: a longer warning is in the log only.
constexpr std::size_t kWarningKept = 300;

constexpr const char* kTakesNoSecrets =
    "its flame-runner is older than this host and has no secrets for tasks ([pools.NAME.env]): deploy the flame-runner "
    "of this release";

}  // namespace

PoolDriver::PoolDriver(std::shared_ptr<detail::PoolFront> core, DriverServices services)
    : core_(std::move(core)),
      services_(std::move(services)),
      config_(core_->parts().config),
      policy_(config_, core_->parts().plugins,
              {.seed = services_.seed,
               .liveness = services_.liveness,
               .name = core_->name(),
               .nested = services_.nested,
               .room = services_.room,
               .ends_are_told = services_.ends_are_told}),
      trace_(core_->parts().index, *services_.history),
      standstill_(limits::kStandstillBeats * services_.liveness.beat) {}

// Actions can lead to further events (a withdrawn call has ended): those wait for their turn here.
void PoolDriver::on(Event event, Instant now) {
  events_.push_back(std::move(event));
  if (std::exchange(busy_, true)) return;
  Actions actions;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    if (const Duration pause = standstill_.seen(now); pause > Duration::zero()) {
      step(event::StoodStill{pause}, now, actions);
    }
    step(next, now, actions);
  }
  busy_ = false;
}

void PoolDriver::step(const Event& event, Instant now, Actions& actions) {
  actions.clear();
  policy_.on(event, now, actions);
  trace_.on(event, actions, policy_, now);
  if (services_.observer != nullptr) services_.observer->on_step(event, actions, policy_, now);
  for (Action& action : actions) {
    const auto carry_out = [&](auto& one) {
      if constexpr (requires { perform(one, now); }) {
        perform(one, now);
      } else if constexpr (requires { perform(one); }) {
        perform(one);
      } else if constexpr (std::is_same_v<decltype(one), action::AskLog&>) {
        services_.machines->ask_log({core_->parts().index, one.runner});
      } else {
        static_assert(std::is_same_v<decltype(one), action::AttemptFailed&>, "the trace tells it; it needs no hands");
      }
    };
    std::visit(carry_out, action);
  }
}

Session* PoolDriver::session_of(RunnerId runner) const {
  const auto found = sessions_.find(runner);
  return found == sessions_.end() ? nullptr : found->second;
}

std::string PoolDriver::runner_name(RunnerId runner) const {
  return core_->name() + "-" + std::to_string(runner);
}

void PoolDriver::submit(std::shared_ptr<RemoteCall>&& call, Instant now) {
  event::Submit submit = call->record.submit;
  submit.child = call->record.child;
  trace_.submitted(submit.call, submit.digest, call->record.task, now);
  calls_[submit.call] = std::move(call);
  on(submit, now);
}

void PoolDriver::take(command::Refused&& refused, Instant now) {
  core_->refusal_told();
  trace_.refused(refused.what->call, refused.what->task, refused.what->error, now);
}

void PoolDriver::take(command::Resize&& resize, Instant now) {
  core_->gate().set_runners(resize.max);
  on(event::Resize{resize.min, resize.max}, now);
  resize.done(true);
}

void PoolDriver::take(command::Drain&& drain, Instant now) {
  draining_.push_back({base::deadline_after(now, drain.grace), std::move(drain.done)});
  if (drained_) {
    tell_drained(now);
  } else {
    on(event::Drain{drain.grace}, now);
  }
}

void PoolDriver::take(command::AskStats&& ask, Instant) {
  ask.reply(stats());
}

void PoolDriver::tell_drained(Instant now) {
  for (const Draining& one : std::exchange(draining_, {})) one.done(now < one.limit);
}

// --- what sessions and backends report

void PoolDriver::on_hello(Session& session, const wire::Hello& hello, Instant now) {
  const SessionInfo& info = session.info();
  sessions_[info.runner] = &session;
  trace_.hello(info.runner, hello, now);
  event::RunnerHello event{.runner = info.runner, .plugins = {}, .local = info.local};
  for (const wire::PluginState& state : hello.plugins) {
    const auto digest = core_->parts().catalog->find_digest(state.plugin.digest);
    if (!digest) continue;
    event::RunnerPlugin plugin{.digest = *digest};
    const bool deprived = !config_.secret_env.empty() && !info.takes_secrets();
    if (deprived || (!state.ready && !state.error.empty())) {
      plugin.error = Error{.code = ErrorCode::incompatible,
                           .message = deprived ? kTakesNoSecrets : state.error,
                           .started = Started::no,
                           .runner = info.name,
                           .plugin = core_->parts().catalog->plugin(*digest).reference};
    }
    event.plugins.push_back(std::move(plugin));
  }
  on(std::move(event), now);
}

void PoolDriver::on_notice(Session& session, const wire::Body& body, Instant now) {
  const RunnerId runner = session.info().runner;
  if (const auto* retire = std::get_if<wire::Retire>(&body)) {
    on(event::Retire{runner, retire->last_seq, session.sent_seq(), retire->must}, now);
  } else if (const auto* bye = std::get_if<wire::Bye>(&body)) {
    services_.sessions->close(session, std::nullopt);
    lost(session, bye->reason, true, now);
  } else if (!on_generation(session.info(), body, now)) {
    if (const auto* lost = std::get_if<wire::SlotDiscarded>(&body)) trace_.discarded(discard_reason_from(lost->reason));
    on(event::Heard{runner}, now);
  }
}

// False: it is about none that this host knows.
bool PoolDriver::on_generation(const SessionInfo& runner, const wire::Body& body, Instant now) {
  const Catalog& catalog = *core_->parts().catalog;
  if (const auto* answer = std::get_if<wire::Loaded>(&body)) {
    auto event = to_event(*answer, runner, catalog);
    if (!event) return false;
    trace_.loaded(runner.runner, to_state(*event, catalog));
    if (event->error)
      services_.log.warning(
          "a plugin could not be loaded",
          {{"runner", runner.name}, {"plugin", event->error->plugin}, {"error", event->error->message}});
    on(std::move(*event), now);
    return true;
  }
  const auto* const ended = std::get_if<wire::GenerationEnded>(&body);
  const auto digest = ended == nullptr ? std::nullopt : catalog.find_digest(ended->digest);
  if (!digest) return false;
  trace_.generation_ended(runner.runner, ended->digest);
  on(event::GenerationEnded{runner.runner, *digest}, now);
  return true;
}

void PoolDriver::on_heard(RunnerId runner, Instant now) {
  on(event::Heard{runner}, now);
}

void PoolDriver::on_lost(Session& session, const std::string& reason, Instant now) {
  lost(session, reason, false, now);
}

// `goodbye`: the reason is the runner's own.
void PoolDriver::lost(const Session& session, const std::string& reason, bool goodbye, Instant now) {
  const RunnerId id = session.info().runner;
  sessions_.erase(id);
  services_.log.debug("runner left", {{"runner", session.info().name}, {"reason", reason}});
  on(event::RunnerLost{id, reason, goodbye}, now);
}

void PoolDriver::on_boot(RunnerId runner, const std::optional<BootFailure>& failure, Instant now) {
  if (!failure) {
    on(event::BootOk{runner}, now);
    return;
  }
  if (failure->remedy == Remedy::elsewhere)
    services_.log.info("a backend has no room for a runner",
                       {{"pool", core_->name()}, {"runner", runner_name(runner)}, {"error", failure->error.message}});
  on(event::BootFailed{runner, failure->error, failure->remedy, failure->retry_after}, now);
}

void PoolDriver::on_begun(RunnerId runner, CallId call, Instant now) {
  on(event::Begun{runner, call}, now);
}

void PoolDriver::on_ended(RunnerId runner, CallId call, std::optional<Error> why, Instant now) {
  on(event::Ended{runner, call, std::move(why)}, now);
}

void PoolDriver::on_result(RunnerId runner, CallId call, std::optional<Error> error, detail::Payload payload,
                           Instant now) {
  event::Result event{runner, call, std::move(error), payload.resources};
  // Judged first: what another runner says about a call must not become its result.
  if (const auto found = calls_.find(call); found != calls_.end() && policy_.awaits_result(runner, call)) {
    found->second->result = std::move(payload);
  }
  on(std::move(event), now);
}

void PoolDriver::on_output(RunnerId runner, const wire::Output& output) {
  const auto call = calls_.find(output.id);
  const auto lease = leases_.find(output.id);  // a child's run() has output after its call
  LogEvent event{.pool = core_->name(),
                 .runner = runner_name(runner),
                 .call = output.id,
                 .task = call != calls_.end()     ? call->second->record.task
                         : lease != leases_.end() ? lease->second->parts().task
                                                  : std::string(),
                 .source = output.stream == wire::Stream::out   ? LogEvent::Source::standard_output
                           : output.stream == wire::Stream::err ? LogEvent::Source::standard_error
                                                                : LogEvent::Source::log,
                 .level = output.stream == wire::Stream::log ? static_cast<int>(output.level) : 1,
                 .text = output.text,
                 .dropped = output.dropped};
  if (call != calls_.end() && event.source == LogEvent::Source::log && output.level >= wire::Level::warning &&
      output.text.size() <= kWarningKept) {
    call->second->last_warning = output.text;
  }
  core_->log_output(std::move(event));
}

void PoolDriver::on_progress(RunnerId, const wire::Progress& progress) {
  const auto found = calls_.find(progress.id);
  if (found == calls_.end()) return;
  const std::shared_ptr<RemoteCall>& call = found->second;
  Task watcher;
  if (call->record.on_progress) {
    watcher = [call, progress] { call->record.on_progress(progress.fraction, progress.message); };
  }
  core_->report_progress({core_->name(), progress.id, call->record.task, progress.fraction, progress.message},
                         std::move(watcher));
}

// --- the rest of the pool's life

PoolStats PoolDriver::stats() const {
  PoolStats stats = policy_.stats();
  stats.discards = trace_.discards();
  return stats;
}

// Also when memory is short: nobody may be left waiting.
void PoolDriver::abandon(const std::shared_ptr<RemoteCall>& call, const std::string& why) noexcept {
  try {
    finish(call, Error{.code = ErrorCode::shutting_down, .message = why});
  } catch (...) {
    if (!call->ready()) call->complete(Error{.code = ErrorCode::shutting_down});
  }
}

void PoolDriver::abandon(const std::string& why, Instant now) noexcept {
  for (const auto& [id, call] : std::exchange(calls_, {})) abandon(call, why);
  try {
    for (const auto& [id, lease] : std::exchange(leases_, {})) {
      lease->end(Error{.code = ErrorCode::shutting_down, .message = why});
    }
    tell_drained(now);
  } catch (const std::exception& error) {
    services_.log.error("the end of a host was cut short", {{"what", error.what()}});
  }
}

}  // namespace flame::pool
