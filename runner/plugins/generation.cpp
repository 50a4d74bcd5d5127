// See generation.hpp.
#include "runner/plugins/generation.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <utility>
#include <vector>

#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/standstill.hpp"
#include "plugin_sdk/base/units.hpp"
#include "runner/os/log.hpp"
#include "runner/plugins/task_environment.hpp"
#include "runner/processes/crash_report.hpp"
#include "runner/slots/printable.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

// A zygote that dies again and again is tried less and less often, and in the end given up.
constexpr Duration kFirstRestart = 100ms;
constexpr Duration kLastRestart = 10s;
constexpr std::uint32_t kDeathsMax = 10;
constexpr std::size_t kLastOutputMax = 4 * limits::KiB;

Duration restart_after(std::uint32_t failures) {
  return std::min<Duration>(kLastRestart, kFirstRestart * (1LL << std::min(failures - 1, 10U)));
}

slot::LoadSpec load_spec(const StoredPlugin& plugin, const GenerationSetting& setting) {
  slot::LoadSpec spec;
  spec.zygote_binary = setting.zygote_binary;
  spec.plugin_path = plugin.path;
  spec.name = plugin.ref.name;
  spec.version = plugin.ref.version;
  for (const auto& task : plugin.manifest->tasks) spec.tasks_hash += task.id;
  spec.task_count = static_cast<std::uint32_t>(plugin.manifest->tasks.size());
  spec.host_name = setting.parent.host_name;
  spec.pool = setting.parent.pool;
  spec.runner_id = setting.parent.runner;
  spec.backend = setting.parent.backend;
  spec.environment = with_secrets(slot::built_environment(), setting.secrets);
  return spec;
}

}  // namespace

Generation::Generation(GenerationId id, const wire::PluginRef& plugin, bool one_try, const GenerationSetting& setting,
                       GenerationEvents& events)
    : id_(id),
      plugin_{.path = {}, .ref = plugin, .manifest = std::make_shared<manifest::Manifest>()},
      one_try_(one_try),
      setting_(setting),
      events_(events) {}

void Generation::found(Result<StoredPlugin> file) {
  if (file) {
    plugin_ = std::move(*file);
    return;
  }
  problem_ = file.error();
  problem_.plugin = name();
  problem_.started = Started::no;
  log(LogLevel::error, fmt::format("{}: {}", name(), problem_.message));
}

std::optional<slot::MakeFailure> Generation::make_zygote() {
  auto handle = slot::ZygoteHandle::start(load_spec(plugin_, setting_));
  if (!handle) return std::move(handle).error();
  zygote_.handle = std::move(*handle);
  zygote_.pid = zygote_.handle->pid();
  setting_.poller.add(zygote_.handle->channel_fd(), {Source::zygote_channel, 0, id_});
  setting_.poller.add(zygote_.handle->output_fd(), {Source::zygote_output, 0, id_});
  return std::nullopt;
}

void Generation::start(Instant now) {
  start_at_ = kNever;
  std::optional<slot::MakeFailure> failure;
  if (zygote_.pid == 0) failure = make_zygote();
  if (!failure) failure = zygote_.handle->load(setting_.limits, setting_.open_files);
  if (failure) return start_later(now, std::move(*failure));
  shortages_ = 0;
  zygote_.overdue = zygote_.silent = false;
  zygote_.start_by = deadline_after(now, setting_.start_limit);
}

// What there is too little of now may be there later; anything else would fail again.
void Generation::start_later(Instant now, slot::MakeFailure failure) {
  const bool last_try = one_try_ && shortages_ + 1 >= limits::kShortageTries;
  if (!failure.shortage || last_try) return fail(now, std::move(failure.error));
  start_at_ = deadline_after(now, restart_after(++shortages_));
  if (shortages_ == 1) events_.on_word(wire::Level::warning, name() + " is tried again: " + failure.error.message);
  failure.error.plugin = name();
  if (shortages_ >= limits::kShortageTries) events_.on_delay(now, id_, failure.error);
}

slot::MakeResult<pid_t> Generation::fork_slots(std::span<slot::SlotHandle* const> slots, bool threads,
                                               ProcessId request) {
  if (zygote_.handle && zygote_.up) return zygote_.handle->spawn(slots, threads, request);
  return slot::MakeFailure{
      base::make_error(ErrorCode::boot_failed, "The plugin's zygote is gone; it is being restarted."), true};
}

void Generation::on_channel(Instant now) {
  if (!zygote_.handle) return;
  std::vector<slot::ZygoteEvent> events;
  zygote_.handle->on_readable(events);
  for (slot::ZygoteEvent& event : events) {
    if (const auto* ready = std::get_if<slot::ZygoteReady>(&event)) {
      on_zygote_ready(now, *ready);
    } else if (auto* failed = std::get_if<slot::ZygoteFailed>(&event)) {
      fail(now, std::move(failed->error));
    } else if (!std::holds_alternative<slot::ZygoteClosed>(event)) {
      events_.on_answer(now, id_, event);
    }
  }
}

void Generation::on_output() {
  if (!zygote_.handle) return;
  std::string text;
  zygote_.handle->drain_output(text, limits::kTextMax);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return;
  text = slot::printable(text);
  events_.on_word(wire::Level::info, fmt::format("{}: {}", name(), text));
  std::string& last = zygote_.last_output;
  last += (last.empty() ? "" : "\n") + text;
  if (last.size() > kLastOutputMax) last.erase(0, last.size() - kLastOutputMax);
}

void Generation::on_zygote_ready(Instant now, const slot::ZygoteReady& ready) {
  zygote_.start_by = kNever;
  if (ends_) return;
  zygote_.up = true;
  zygote_.up_since = now;
  problem_ = Error();
  forkable_ = ready.forkable;
  if (!ready.forkable && !plugin_.manifest->exec_slots) {
    events_.on_word(
        wire::Level::warning,
        fmt::format("{} is not forkable: {} threads after start(); each slot loads it anew", name(), ready.threads));
  }
  // Who asks for exec'd slots knows what they cost, and gets as many spare ones as the pool is configured for.
  events_.on_up(now, id_, ready.forkable || plugin_.manifest->exec_slots);
}

void Generation::fail(Instant now, Error error) {
  error.started = Started::no;
  error.runner = setting_.parent.runner;
  error.plugin = name();
  problem_ = std::move(error);
  zygote_.up = false;
  start_at_ = zygote_.start_by = kNever;
  if (ends_) return;
  events_.on_word(wire::Level::error, fmt::format("{} cannot be used: {}", name(), problem_.message));
  events_.on_broken(now, id_);
}

void Generation::end() {
  ends_ = true;
  start_at_ = zygote_.start_by = kNever;
}

void Generation::kill_zygote() {
  if (zygote_.pid > 0) ::kill(zygote_.pid, SIGKILL);
}

void Generation::kill_silent() {
  zygote_.silent = true;
  kill_zygote();
}

void Generation::reaped(Instant now, int status) {
  on_channel(now);
  on_output();
  zygote_.pid = 0;
  zygote_.start_by = kNever;
  if (!setting_.open) {  // start() makes another
    log(LogLevel::info, "a zygote ended before it knew its plugin: " + describe_end(status).message);
  } else if (ends_) {
    zygote_.up = false;
    events_.on_down(now, id_);
  } else if (problem_.code == ErrorCode::none && (!zygote_.up || forkable_)) {
    died(now, status);
  }  // else it has said why, or done its work
}

void Generation::died(Instant now, int status) {
  if (zygote_.up && now - zygote_.up_since >= limits::kZygoteProven) deaths_ = 0;
  Error why = describe_end(status);
  // What ends a plugin's first load would end the next one, too; a SIGKILL comes from outside.
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  const bool may_work = !one_try_ && (zygote_.up || deaths_ > 0 || killed);
  zygote_.up = false;
  events_.on_down(now, id_);
  if (!may_work || ++deaths_ > kDeathsMax) return fail(now, std::move(why));
  restart_later(now, std::move(why));
}

Error Generation::describe_end(int status) {
  Error why = zygote_.handle->describe_exit(status);
  if (zygote_.overdue) {
    const bool loading = zygote_.handle->stage() == slot::Stage::loading;
    why = describe_overdue(loading ? "static constructors" : "start()", setting_.start_limit, {});
  } else if (zygote_.silent) {
    why.message = fmt::format(
        "it had not answered a request for a slot within {} and was killed, the {}. time. Look for a pthread_atfork() "
        "handler that waits, for swapping, or for a SIGSTOP",
        base::format_duration(setting_.answer_limit()), deaths_ + 1);
  }
  why.log_tail = std::exchange(zygote_.last_output, {});
  return why;
}

// A zygote that died at its work is replaced at once: calls wait. One whose start() hung has let them wait for long
// enough, and may hang again.
void Generation::restart_later(Instant now, Error why) {
  const bool at_once = deaths_ == 1 && !zygote_.overdue;
  start_at_ = deadline_after(now, at_once ? Duration::zero() : restart_after(deaths_));
  events_.on_word(wire::Level::warning, fmt::format("the zygote of {} died and is restarted: {}", name(), why.message));
  if (!zygote_.overdue) return;
  why.plugin = name();
  events_.on_delay(now, id_, why);
}

void Generation::stood_still(Instant now, Duration pause) {
  zygote_.start_by = base::put_off(zygote_.start_by, pause, now, setting_.start_limit);
}

void Generation::tick(Instant now) {
  if (now >= start_at_) start(now);
  if (now < zygote_.start_by || zygote_.pid == 0) return;
  zygote_.start_by = kNever;
  zygote_.overdue = true;
  kill_zygote();  // reaping it does the rest
}

}  // namespace flame::runner
