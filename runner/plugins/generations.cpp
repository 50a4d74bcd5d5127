// See generations.hpp.
#include "runner/plugins/generations.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/standstill.hpp"
#include "plugin_sdk/base/units.hpp"
#include "runner/os/log.hpp"
#include "runner/processes/crash_report.hpp"
#include "runner/slots/printable.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

// A zygote that dies again and again is tried less and less often, and in the end given up.
constexpr Duration kFirstBackOff = 100ms;
constexpr Duration kLastBackOff = 10s;
constexpr std::uint32_t kDeathsMax = 10;
constexpr std::size_t kLastOutputMax = 4 * limits::KiB;
constexpr std::uint64_t kFdsPerThread = slot::kFdsPerSlot;
constexpr Duration kAnswerUsual = 500ms;  // a zygote that owes an answer for longer is worth a word

Duration back_off(std::uint32_t failures) {
  return std::min<Duration>(kLastBackOff, kFirstBackOff * (1LL << std::min(failures - 1, 10U)));
}

// Beside this program, in the build tree as after installation.
std::string zygote_path() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string("/usr/bin/flame-zygote") : (self.parent_path() / "flame-zygote").string();
}

slot::LoadSpec load_spec(const StoredPlugin& plugin, const ParentInfo& parent) {
  slot::LoadSpec spec;
  spec.plugin_path = plugin.path;
  spec.name = plugin.ref.name;
  spec.version = plugin.ref.version;
  for (const auto& task : plugin.manifest.tasks) spec.tasks_hash += task.id;
  spec.task_count = static_cast<std::uint32_t>(plugin.manifest.tasks.size());
  spec.host_name = parent.host_name;
  spec.pool = parent.pool;
  spec.runner_id = parent.runner;
  spec.backend = parent.backend;
  spec.environment = slot::built_environment();
  return spec;
}

}  // namespace

Generations::Generations(const std::vector<wire::PluginRef>& wanted, ParentInfo parent, Poller& poller,
                         std::uint64_t open_files)
    : parent_(std::move(parent)), poller_(poller), open_files_(open_files), zygote_binary_(zygote_path()) {
  const auto directories = plugin_directories();
  for (const wire::PluginRef& plugin : wanted) {
    Generation& generation = list_.emplace_back();
    if (auto found = find_plugin(directories, plugin)) {
      generation.plugin = std::move(*found);
      generation.stored = true;
      static_cast<void>(make_zygote(static_cast<GenerationId>(list_.size() - 1)));  // else start() tries, and tells why
    } else {
      generation.plugin.ref = plugin;
      generation.problem = found.error();
      generation.problem.started = Started::no;
      log(LogLevel::error, fmt::format("{}@{}: {}", plugin.name, plugin.version, found.error().message));
    }
  }
}

Generations::~Generations() = default;

std::vector<wire::PluginState> Generations::states() const {
  std::vector<wire::PluginState> states;
  for (const Generation& generation : list_) {
    wire::PluginState& state = states.emplace_back();
    state.plugin = generation.plugin.ref;
    state.ready = generation.stored;
    state.error = generation.problem.message;
  }
  return states;
}

void Generations::open(Instant now, const wire::Welcome& welcome, SlotPool& pool, HostPort& host) {
  pool_ = &pool;
  host_ = &host;
  limits_ = slot::slot_limits(welcome);
  // All threads of a process have their descriptors there; what the plugin may open comes on top.
  if (open_files_ != 0 && welcome.isolation == wire::Isolation::thread) open_files_ += kFdsPerThread * welcome.slots;
  if (welcome.start_limit_ns > 0) start_limit_ = Duration(welcome.start_limit_ns);
  fork_watch_ = ForkWatch(std::min<Duration>(start_limit_, limits::kForkAnswerMax));
  for (GenerationId id = 0; id < list_.size(); ++id) {
    if (list_[id].stored) start(now, id);
  }
}

std::optional<GenerationId> Generations::find(std::string_view digest) const {
  for (GenerationId id = 0; id < list_.size(); ++id) {
    if (list_[id].plugin.ref.digest == digest) return id;
  }
  return std::nullopt;
}

std::vector<GenerationId> Generations::checking_idle() const {
  std::vector<GenerationId> ids;
  for (GenerationId id = 0; id < list_.size(); ++id) {
    if (list_[id].problem.code == ErrorCode::none && list_[id].plugin.manifest.has_idle_check) ids.push_back(id);
  }
  return ids;
}

std::string Generations::name(GenerationId id) const {
  return list_[id].plugin.ref.name + "@" + list_[id].plugin.ref.version;
}

std::string Generations::describe_all() const {
  if (list_.empty()) return "none";
  std::string text;
  for (const Generation& generation : list_) {
    const wire::PluginRef& ref = generation.plugin.ref;
    text +=
        fmt::format("{}{}@{} (digest {})", text.empty() ? "" : ", ", ref.name, ref.version, ref.digest.substr(0, 12));
  }
  return text;
}

std::optional<slot::MakeFailure> Generations::make_zygote(GenerationId id) {
  Generation& generation = list_[id];
  slot::LoadSpec spec = load_spec(generation.plugin, parent_);
  spec.zygote_binary = zygote_binary_;
  auto zygote = slot::ZygoteHandle::start(std::move(spec));
  if (!zygote) return std::move(zygote).error();
  generation.zygote = std::move(*zygote);
  generation.pid = generation.zygote->pid();
  poller_.add(generation.zygote->channel_fd(), {Source::zygote_channel, 0, id});
  poller_.add(generation.zygote->output_fd(), {Source::zygote_output, 0, id});
  return std::nullopt;
}

void Generations::start(Instant now, GenerationId id) {
  Generation& generation = list_[id];
  generation.start_at = kNever;
  std::optional<slot::MakeFailure> failure;
  if (generation.pid == 0) failure = make_zygote(id);
  if (!failure) failure = generation.zygote->load(limits_, open_files_);
  if (failure) return start_later(now, id, std::move(*failure));
  generation.shortages = 0;
  generation.overdue = generation.silent = false;
  generation.start_by = deadline_after(now, start_limit_);
  wake_at_ = std::min(wake_at_, generation.start_by);
}

// What there is too little of now may be there later; anything else would fail again.
void Generations::start_later(Instant now, GenerationId id, slot::MakeFailure failure) {
  if (!failure.shortage) return fail(now, id, std::move(failure.error));
  Generation& generation = list_[id];
  generation.start_at = deadline_after(now, back_off(++generation.shortages));
  wake_at_ = std::min(wake_at_, generation.start_at);
  if (generation.shortages == 1)
    tell_host(wire::Level::warning, name(id) + " is tried again: " + failure.error.message);
  failure.error.plugin = name(id);
  if (generation.shortages >= limits::kShortageTries && !pool_->serves(id)) pool_->fail_waiting(now, id, failure.error);
}

slot::MakeResult<pid_t> Generations::fork_slots(Instant now, GenerationId id, std::span<slot::SlotHandle* const> slots,
                                                bool threads, ProcessId request) {
  Generation& generation = list_[id];
  if (!generation.zygote || !generation.up) {
    return slot::MakeFailure{
        base::make_error(ErrorCode::boot_failed, "The plugin's zygote is gone; it is being restarted."), true};
  }
  auto pid = generation.zygote->spawn(slots, threads, request);
  if (pid && *pid == 0) fork_watch_.asked(now, id);
  return pid;
}

std::string Generations::why_no_slot(Instant now, GenerationId id) const {
  const Duration silence = fork_watch_.silence(now, id);
  if (silence < kAnswerUsual) return {};
  return fmt::format(
      "the plugin's zygote has not answered a request for a slot for {}; after {} it is killed and replaced",
      base::format_duration(silence), base::format_duration(fork_watch_.limit()));
}

void Generations::on_ready(Instant now, const Poller::Ready& ready) {
  const auto id = static_cast<GenerationId>(ready.key.id);
  if (id >= list_.size() || !list_[id].zygote) return;
  if (ready.key.source == Source::zygote_output) return read_output(id);
  read_channel(now, id);
}

void Generations::read_channel(Instant now, GenerationId id) {
  std::vector<slot::ZygoteEvent> events;
  list_[id].zygote->on_readable(events);
  for (slot::ZygoteEvent& event : events) {
    if (const auto* spawned = std::get_if<slot::ZygoteSpawned>(&event)) {
      fork_watch_.answered(now, id);
      pool_->spawned(now, spawned->request, spawned->pid);
    } else if (const auto* ready = std::get_if<slot::ZygoteReady>(&event)) {
      on_zygote_ready(now, id, *ready);
    } else if (auto* failed = std::get_if<slot::ZygoteFailed>(&event)) {
      fail(now, id, std::move(failed->error));
    } else if (const auto* spawn_failed = std::get_if<slot::ZygoteSpawnFailed>(&event)) {
      fork_watch_.answered(now, id);
      pool_->spawn_failed(now, spawn_failed->request, spawn_failed->failure);
    }
  }
}

void Generations::read_output(GenerationId id) {
  text_.clear();
  list_[id].zygote->drain_output(text_, limits::kTextMax);
  while (!text_.empty() && text_.back() == '\n') text_.pop_back();
  if (text_.empty()) return;
  const std::string text = slot::printable(text_);
  tell_host(wire::Level::info, fmt::format("{}: {}", name(id), text));
  std::string& last = list_[id].last_output;
  last += (last.empty() ? "" : "\n") + text;
  if (last.size() > kLastOutputMax) last.erase(0, last.size() - kLastOutputMax);
}

void Generations::on_zygote_ready(Instant now, GenerationId id, const slot::ZygoteReady& ready) {
  Generation& generation = list_[id];
  generation.up = true;
  generation.up_since = now;
  generation.start_by = kNever;
  generation.problem = Error();
  generation.forkable = ready.forkable;
  if (!ready.forkable && !generation.plugin.manifest.exec_slots) {
    tell_host(wire::Level::warning, fmt::format("{} is not forkable: {} threads after start(); each slot loads it anew",
                                                name(id), ready.threads));
  }
  // Who asks for exec'd slots knows what they cost, and gets as many spare ones as the pool is configured for.
  pool_->generation_up(now, id, ready.forkable || generation.plugin.manifest.exec_slots);
}

// The plugin cannot be used, now and later.
void Generations::fail(Instant now, GenerationId id, Error error) {
  Generation& generation = list_[id];
  error.started = Started::no;
  error.runner = parent_.runner;
  error.plugin = name(id);
  generation.problem = std::move(error);
  generation.up = false;
  generation.start_at = generation.start_by = kNever;
  tell_host(wire::Level::error, fmt::format("{} cannot be used: {}", name(id), generation.problem.message));
  pool_->generation_down(now, id);
  pool_->fail_waiting(now, id, generation.problem);
  // A runner that refuses all calls would look like the one with the most free slots.
  const bool another_serves = std::any_of(list_.begin(), list_.end(), [](const Generation& other) {
    return other.stored && other.problem.code == ErrorCode::none;
  });
  if (generation.up_since != kNever && !another_serves) lost_ = name(id) + " cannot be used here any more";
}

bool Generations::reaped(Instant now, pid_t pid, int status) {
  const auto found = std::find_if(list_.begin(), list_.end(), [pid](const Generation& g) { return g.pid == pid; });
  if (found == list_.end() || pid <= 0) return false;
  const auto id = static_cast<GenerationId>(found - list_.begin());
  read_channel(now, id);
  read_output(id);
  found->pid = 0;
  found->start_by = kNever;
  if (pool_ == nullptr) {  // open() makes another
    log(LogLevel::info, "a zygote ended before it knew its plugin: " + describe_end(*found, status).message);
    return true;
  }
  fork_watch_.forget(id);
  if (found->problem.code != ErrorCode::none) return true;  // it said why
  if (found->up && !found->forkable) return true;           // it has done its work
  if (found->up && now - found->up_since >= limits::kZygoteProven) found->deaths = 0;
  Error why = describe_end(*found, status);
  // What ends a plugin's first load would end the next one, too; a SIGKILL comes from outside.
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  const bool may_work = found->up || found->deaths > 0 || killed;
  found->up = false;
  pool_->generation_down(now, id);
  if (!may_work || ++found->deaths > kDeathsMax) {
    fail(now, id, std::move(why));
    return true;
  }
  restart_later(now, id, std::move(why));
  return true;
}

Error Generations::describe_end(Generation& generation, int status) const {
  Error why = generation.zygote->describe_exit(status);
  if (generation.overdue) {
    const bool loading = generation.zygote->stage() == slot::Stage::loading;
    why = describe_overdue(loading ? "static constructors" : "start()", start_limit_, {});
  } else if (generation.silent) {
    why.message = fmt::format(
        "it had not answered a request for a slot within {} and was killed, the {}. time. Look for a pthread_atfork() "
        "handler that waits, for swapping, or for a SIGSTOP",
        base::format_duration(fork_watch_.limit()), generation.deaths + 1);
  }
  why.log_tail = std::exchange(generation.last_output, {});
  return why;
}

// A zygote that died at its work is replaced at once: calls wait. One whose start() hung has let them wait for long
// enough, and may hang again.
void Generations::restart_later(Instant now, GenerationId id, Error why) {
  Generation& generation = list_[id];
  const Duration wait = back_off(generation.deaths);
  const bool at_once = generation.deaths == 1 && !generation.overdue;
  generation.start_at = deadline_after(now, at_once ? Duration::zero() : wait);
  wake_at_ = std::min(wake_at_, generation.start_at);
  tell_host(wire::Level::warning, fmt::format("the zygote of {} died and is restarted: {}", name(id), why.message));
  if (!generation.overdue) return;
  why.plugin = name(id);
  pool_->fail_waiting(now, id, why);
}

// Reaping it does the rest.
void Generations::kill_silent(Instant now) {
  for (const GenerationId id : fork_watch_.take_silent(now)) {
    if (list_[id].pid <= 0) continue;
    list_[id].silent = true;
    ::kill(list_[id].pid, SIGKILL);
  }
}

void Generations::stood_still(Instant now, Duration pause) {
  fork_watch_.stood_still(now, pause);
  for (Generation& generation : list_) {
    generation.start_by = base::put_off(generation.start_by, pause, now, start_limit_);
  }
}

void Generations::tick(Instant now) {
  kill_silent(now);
  if (now < wake_at_) return;
  wake_at_ = kNever;
  for (GenerationId id = 0; id < list_.size(); ++id) {
    Generation& generation = list_[id];
    if (now >= generation.start_at) start(now, id);
    if (now >= generation.start_by && generation.pid > 0) {
      generation.start_by = kNever;
      generation.overdue = true;
      ::kill(generation.pid, SIGKILL);  // reaping it does the rest
    }
    wake_at_ = std::min({wake_at_, generation.start_at, generation.start_by});
  }
}

bool Generations::owns(pid_t pid) const {
  return std::any_of(list_.begin(), list_.end(), [pid](const Generation& g) { return g.pid == pid; });
}

std::vector<pid_t> Generations::pids() const {
  std::vector<pid_t> pids;
  for (const Generation& generation : list_) {
    if (generation.pid > 0) pids.push_back(generation.pid);
  }
  return pids;
}

void Generations::tell_host(wire::Level level, const std::string& text) {
  log(level == wire::Level::error ? LogLevel::error : LogLevel::info, text);
  if (host_ != nullptr) host_->send(wire::log_line(0, level, text.substr(0, limits::kTextMax)));
}

}  // namespace flame::runner
