// See generations.hpp.
#include "runner/plugins/generations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/units.hpp"
#include "runner/os/log.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kFdsPerThread = slot::kFdsPerSlot;
constexpr Duration kAnswerUsual = 500ms;  // a zygote that owes an answer for longer is worth a word

// Beside this program, in the build tree as after installation.
std::string zygote_path() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string("/usr/bin/flame-zygote") : (self.parent_path() / "flame-zygote").string();
}

// The host has put the file where it says; else it is where plugins are.
Result<StoredPlugin> find_file(const wire::Load& load, base::HashedFiles& hashed) {
  std::vector<std::string> directories = plugin_directories();
  if (!load.directory.empty()) directories.insert(directories.begin(), load.directory);
  if (load.directory.empty() || load.directory.front() == '/') return find_plugin(directories, load.plugin, hashed);
  return base::make_error(
      ErrorCode::invalid_argument,
      fmt::format("the directory \"{}\" of a plugin is no absolute path; the host must send one", load.directory));
}

}  // namespace

Generations::Generations(const std::vector<wire::PluginRef>& wanted, ParentInfo parent, Poller& poller,
                         std::uint64_t open_files, std::vector<wire::KeyValue> secrets)
    : setting_{.parent = std::move(parent),
               .poller = poller,
               .zygote_binary = zygote_path(),
               .open_files = open_files,
               .secrets = std::move(secrets)} {
  setting_.poller.add(finder_.fd(), {Source::plugin_found, 0, 0});
  const auto directories = plugin_directories();
  for (const wire::PluginRef& plugin : wanted) {
    const GenerationId id = book_.add(plugin);
    GenerationEvents& events = *this;
    Generation& generation =
        *list_.emplace(id, std::make_unique<Generation>(id, plugin, false, setting_, events)).first->second;
    generation.found(find_plugin(directories, plugin, hashed_));
    if (generation.stored()) generation.prepare();
    if (!generation.stored()) book_.broken(id, generation.problem());
  }
}

Generations::~Generations() = default;

std::vector<wire::PluginState> Generations::states() const {
  std::vector<wire::PluginState> states;
  for (const auto& [id, generation] : list_) {
    wire::PluginState& state = states.emplace_back();
    state.plugin = generation->plugin().ref;
    state.ready = generation->stored();
    state.error = generation->problem().message;
  }
  return states;
}

void Generations::open(Instant now, const wire::Welcome& welcome, SlotPool& pool, HostPort& host) {
  pool_ = &pool;
  host_ = &host;
  setting_.open = true;
  setting_.limits = slot::slot_limits(welcome);
  // All threads of a process have their descriptors there; what the plugin may open comes on top.
  if (setting_.open_files != 0 && welcome.isolation == wire::Isolation::thread)
    setting_.open_files += kFdsPerThread * welcome.slots;
  if (welcome.start_limit_ns > 0) setting_.start_limit = Duration(welcome.start_limit_ns);
  fork_watch_ = ForkWatch(setting_.answer_limit());
  for (const auto& [id, generation] : list_) {
    if (generation->stored()) generation->start(now);
  }
}

void Generations::load(Instant now, wire::Load load) {
  book_.load(std::move(load));
  settle(now);
}

void Generations::end_generation(Instant now, const std::string& digest) {
  book_.end(digest);
  settle(now);
}

void Generations::settle(Instant now) {
  if (pool_ == nullptr) return;
  for (SlotPool::Ahead& ahead : pool_->take_ahead()) {
    if (!book_.on_trial(ahead.generation)) continue;
    Generation& generation = *list_.at(ahead.generation);
    if (ahead.error.code != ErrorCode::none) {
      generation.fail(now, std::move(ahead.error));
    } else {
      generation.is_proven();
      served_ = true;
      book_.ready(ahead.generation);
    }
  }
  do carry_out(now);
  while (bury());
}

void Generations::carry_out(Instant now) {
  for (auto actions = book_.take_actions(); !actions.empty(); actions = book_.take_actions()) {
    for (GenerationAction& action : actions) {
      if (const auto* start = std::get_if<StartGeneration>(&action)) {
        GenerationEvents& events = *this;
        list_.emplace(start->id, std::make_unique<Generation>(start->id, start->load.plugin, true, setting_, events));
        finder_.find(start->id, [this, load = start->load] { return find_file(load, hashed_); });
      } else if (const auto* ending = std::get_if<EndGeneration>(&action)) {
        end(now, ending->id);
      } else if (auto* loaded = std::get_if<TellLoaded>(&action)) {
        loaded->error.runner = setting_.parent.runner;
        host_->send(wire::make_loaded(std::move(loaded->digest), std::move(loaded->error)));
      } else if (auto* ended = std::get_if<TellEnded>(&action)) {
        host_->send(wire::GenerationEnded{.digest = std::move(ended->digest)});
      }
    }
  }
}

// The host may have ended it meanwhile.
void Generations::found(Instant now, PluginFinder::Found one) {
  if (book_.ends(one.id)) return;
  Generation& generation = *list_.at(one.id);
  generation.found(std::move(one.file));
  if (generation.stored())
    generation.start(now);
  else
    book_.broken(one.id, generation.problem());
}

void Generations::end(Instant now, GenerationId id) {
  Generation& generation = *list_.at(id);
  generation.end();
  Error why = generation.problem();
  if (why.code == ErrorCode::none) {
    why = base::refusal(ErrorCode::not_found, fmt::format("{} has been ended on this runner.", generation.name()));
  }
  pool_->end_generation(now, id, why);
}

// A zygote that makes a process is left to tell of it first: nobody else knows that process. True if one is gone.
bool Generations::bury() {
  const std::size_t before = list_.size();
  for (auto it = list_.begin(); it != list_.end();) {
    const auto& [id, generation] = *it;
    const SlotPool::Census left = book_.ends(id) ? pool_->census(id) : SlotPool::Census{.processes = 1};
    if (book_.ends(id) && (left.being_made == 0 || !generation->up())) generation->kill_zygote();
    if (left.processes > 0 || generation->pid() != 0) {
      ++it;
      continue;
    }
    log(LogLevel::info, fmt::format("nothing is left of {}", generation->name()));
    fork_watch_.forget(id);
    book_.gone(id);
    it = list_.erase(it);
  }
  return list_.size() != before;
}

std::optional<GenerationId> Generations::find(std::string_view digest) const {
  return book_.find(digest);
}

std::vector<GenerationId> Generations::checking_idle() const {
  std::vector<GenerationId> ids;
  for (const auto& [id, generation] : list_) {
    if (book_.serves(id) && generation->plugin().manifest->has_idle_check) ids.push_back(id);
  }
  return ids;
}

std::string Generations::describe_all() const {
  std::string text;
  for (const auto& [id, generation] : list_) {
    if (book_.ends(id)) continue;
    const wire::PluginRef& ref = generation->plugin().ref;
    text +=
        fmt::format("{}{}@{} (digest {})", text.empty() ? "" : ", ", ref.name, ref.version, ref.digest.substr(0, 12));
  }
  return text.empty() ? "none" : text;
}

slot::MakeResult<pid_t> Generations::fork_slots(Instant now, GenerationId id, std::span<slot::SlotHandle* const> slots,
                                                bool threads, ProcessId request) {
  auto pid = list_.at(id)->fork_slots(slots, threads, request);
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

PluginFile Generations::plugin_file(GenerationId id) const {
  const StoredPlugin& plugin = at(id).plugin();
  return {plugin.ref.name, plugin.path, setting_.zygote_binary, plugin.manifest->has_stop_slot};
}

void Generations::on_ready(Instant now, const Poller::Ready& ready) {
  if (ready.key.source == Source::plugin_found) {
    for (PluginFinder::Found& one : finder_.take()) found(now, std::move(one));
    return;
  }
  const auto its = list_.find(static_cast<GenerationId>(ready.key.id));
  if (its == list_.end()) return;
  if (ready.key.source == Source::zygote_output) return its->second->on_output();
  its->second->on_channel(now);
}

void Generations::on_up(Instant now, GenerationId id, bool stands_by) {
  std::optional<std::uint32_t> ahead;
  if (book_.on_trial(id)) {
    ahead = 0;
    for (const GenerationId other : book_.others(id)) *ahead += pool_->census(other).in_use;
  } else {
    served_ = true;
    book_.ready(id);
  }
  pool_->generation_up(now, id, stands_by, ahead);
}

void Generations::on_down(Instant now, GenerationId id) {
  fork_watch_.forget(id);
  pool_->generation_down(now, id);
  book_.restarts(id);
}

void Generations::on_delay(Instant now, GenerationId id, const Error& why) {
  if (!pool_->serves(id)) pool_->fail_waiting(now, id, why);
}

void Generations::on_broken(Instant now, GenerationId id) {
  const Error problem = at(id).problem();
  pool_->generation_down(now, id);
  pool_->fail_waiting(now, id, problem);
  book_.broken(id, problem);
  // A runner that refuses all calls would look like the one with the most free slots.
  const bool another_serves = std::any_of(list_.begin(), list_.end(), [this](const auto& other) {
    return other.second->problem().code == ErrorCode::none && !book_.ends(other.first);
  });
  if (served_ && !another_serves) lost_ = at(id).name() + " cannot be used here any more";
}

void Generations::on_answer(Instant now, GenerationId id, const slot::ZygoteEvent& answer) {
  fork_watch_.answered(now, id);
  if (const auto* spawned = std::get_if<slot::ZygoteSpawned>(&answer)) {
    pool_->spawned(now, spawned->request, spawned->pid);
  } else if (const auto* failed = std::get_if<slot::ZygoteSpawnFailed>(&answer)) {
    pool_->spawn_failed(now, failed->request, failed->failure);
  }
}

void Generations::on_word(wire::Level level, const std::string& text) {
  log(level == wire::Level::error ? LogLevel::error : LogLevel::info, text);
  if (host_ != nullptr) host_->send(wire::log_line(0, level, text.substr(0, limits::kTextMax)));
}

bool Generations::reaped(Instant now, pid_t pid, int status) {
  const auto found =
      std::find_if(list_.begin(), list_.end(), [pid](const auto& entry) { return entry.second->pid() == pid; });
  if (found == list_.end() || pid <= 0) return false;
  fork_watch_.forget(found->first);
  found->second->reaped(now, status);
  return true;
}

// Reaping them does the rest.
void Generations::tick(Instant now) {
  for (const GenerationId id : fork_watch_.take_silent(now)) {
    if (const auto found = list_.find(id); found != list_.end()) found->second->kill_silent();
  }
  for (const auto& [id, generation] : list_) generation->tick(now);
}

void Generations::stood_still(Instant now, Duration pause) {
  fork_watch_.stood_still(now, pause);
  for (const auto& [id, generation] : list_) generation->stood_still(now, pause);
}

Instant Generations::wake_at() const {
  Instant at = fork_watch_.wake_at();
  for (const auto& [id, generation] : list_) at = std::min(at, generation->wake_at());
  return at;
}

std::vector<pid_t> Generations::pids() const {
  std::vector<pid_t> pids;
  for (const auto& [id, generation] : list_) {
    if (generation->pid() > 0) pids.push_back(generation->pid());
  }
  return pids;
}

}  // namespace flame::runner
