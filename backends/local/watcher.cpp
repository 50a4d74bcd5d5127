// The loop that starts runner processes, passes their output on and reports their end.
#include "backends/local/watcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "backends/local/environment.hpp"
#include "backends/local/runner_path.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/cgroup.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::backends {
namespace {

constexpr int kFailurePause = 100;  // ms

BootOutcome failure(Error error, bool permanent) {
  return BootFailure{std::move(error), permanent};
}

std::string with_tail(std::string words, const std::string& tail) {
  return tail.empty() ? words : std::move(words) + "; its last output:\n" + tail;
}

}  // namespace

LocalBackend::Watcher::Watcher(LocalOptions options, LineSink log)
    : options_(std::move(options)), sink_(std::move(log)) {
  if (!options_.log.empty()) {
    base::UniqueFd file(::open(options_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!file) throw std::system_error(errno, std::generic_category(), "[backends.local] log = " + options_.log);
    log_file_.emplace(std::move(file), [](std::uint64_t lines) {
      return std::to_string(lines) + " lines dropped: the file took them too slowly\n";
    });
  }
  // The user's signal handlers belong on the user's threads.
  const base::SignalMaskScope blocked(base::all_but_faults());
  thread_ = std::thread([this] { run(); });
}

LocalBackend::Watcher::~Watcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.signal();
  thread_.join();
}

void LocalBackend::Watcher::on_exit(OnExit callback) {
  const std::lock_guard lock(mutex_);
  on_exit_ = std::move(callback);
}

void LocalBackend::Watcher::boot(BootRequest request, OnBoot done) {
  submit(BootCommand{std::move(request), std::move(done)});
}

void LocalBackend::Watcher::destroy(MachineId id) {
  submit(DestroyCommand{std::move(id)});
}

std::vector<Machine> LocalBackend::Watcher::list() {
  const std::lock_guard lock(mutex_);
  return machines_;
}

void LocalBackend::Watcher::submit(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  wake_.signal();
}

// Short of memory it goes on when there is some; the program does not end with it.
void LocalBackend::Watcher::run() {
  const base::AssertionsThrow ours;
  for (bool goes_on = true; goes_on;) {
    try {
      goes_on = turn();
    } catch (const std::exception& error) {
      tell_of(error);
      ::poll(nullptr, 0, kFailurePause);
    }
  }
}

void LocalBackend::Watcher::tell_of(const std::exception& failure) const noexcept {
  try {
    sink_(std::string("the local backend has failed: ") + failure.what());
  } catch (const std::exception&) {
    // Nothing to say it with.
  }
}

bool LocalBackend::Watcher::turn() {
  take_commands();
  continue_endings();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ && commands_.empty() && children_.empty()) return false;
  }
  wait_for_events();
  for (const auto& id : readable_) read_output(children_.at(id));
  report_ended();
  return true;
}

void LocalBackend::Watcher::take_commands() {
  std::deque<Command> commands;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
    stopping = stopping_;
  }
  for (auto& command : commands) std::visit([this](auto& value) { handle(std::move(value)); }, command);
  if (stopping) {
    for (auto& [id, child] : children_) end(child);
  }
}

void LocalBackend::Watcher::handle(BootCommand command) {
  const auto known = std::find_if(children_.begin(), children_.end(), [&](const auto& entry) {
    return entry.second.machine.runner == command.request.runner;
  });
  command.done(known != children_.end() ? BootOutcome(known->second.machine) : start(command.request));
}

BootOutcome LocalBackend::Watcher::start(const BootRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return failure({.code = ErrorCode::shutting_down, .message = "the local backend is shutting down."}, true);
    }
  }
  auto binary = find_runner(runner_search(options_.runner));
  if (!binary) return failure(std::move(binary).error(), true);
  auto process = start_runner(
      *binary, runner_environment(inherited_environment(), options_.env, request.env, request.plugin_dirs, kParentFd),
      request.parent);
  if (!process) return std::move(process).error();

  Machine machine{.id = std::to_string(process->pid), .runner = request.runner};
  std::string cgroup = base::runner_cgroup(process->pid);
  const auto [at, inserted] = children_.emplace(
      machine.id, Child{.machine = machine, .process = std::move(*process), .cgroup = std::move(cgroup)});
  FLAME_ASSERT(inserted, "a pid is not given twice before it is reaped");
  publish_machines();
  return machine;
}

void LocalBackend::Watcher::handle(const DestroyCommand& command) {
  const auto found = children_.find(command.id);
  if (found != children_.end()) end(found->second);
}

void LocalBackend::Watcher::end(Child& child) {
  if (child.ending != Ending::none) return;
  signal_process(child.process, SIGINT);
  child.ending = Ending::asked;
  child.next_step = Clock::now() + kSupervisorGrace;
}

void LocalBackend::Watcher::continue_endings() {
  const auto now = Clock::now();
  for (auto& [id, child] : children_) {
    if (child.next_step > now) continue;
    if (child.ending == Ending::asked) {
      kill_children(child.process);
      child.ending = Ending::supervisor_killed;
      child.next_step = now + kGuardianGrace;
    } else {
      signal_process(child.process, SIGKILL);
      child.ending = Ending::guardian_killed;
      child.next_step = Clock::time_point::max();
    }
  }
}

void LocalBackend::Watcher::wait_for_events() {
  std::vector<pollfd> fds{{.fd = wake_.fd(), .events = POLLIN, .revents = 0}};
  std::vector<MachineId> ids;
  auto deadline = Clock::time_point::max();
  for (const auto& [id, child] : children_) {
    fds.push_back({.fd = child.process.pidfd.get(), .events = POLLIN, .revents = 0});
    fds.push_back({.fd = child.process.output.get(), .events = POLLIN, .revents = 0});
    ids.push_back(id);
    deadline = std::min(deadline, child.next_step);
  }
  int timeout_ms = -1;
  if (deadline != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  readable_.clear();
  ended_.clear();
  if (::poll(fds.data(), fds.size(), timeout_ms) <= 0) return;
  wake_.clear();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (fds[1 + 2 * i].revents != 0) ended_.push_back(ids[i]);
    if (fds[2 + 2 * i].revents != 0) readable_.push_back(ids[i]);
  }
}

void LocalBackend::Watcher::read_output(Child& child) {
  std::array<char, 16 * 1024> buffer;
  // Bounded, so that one runner that never stops writing cannot keep the others' ends unreported.
  for (int round = 0; round < 8; ++round) {
    const auto got = ::read(child.process.output.get(), buffer.data(), buffer.size());
    if (got < 0) return;
    if (got == 0) {
      write_out(child, child.lines.finish());
      child.process.output.reset();
      return;
    }
    write_out(child, child.lines.add({buffer.data(), static_cast<std::size_t>(got)}));
  }
}

void LocalBackend::Watcher::write_out(const Child& child, const std::string& lines) {
  if (log_file_) return log_file_->write(lines);
  std::string_view rest = lines;
  while (!rest.empty()) {
    const auto newline = rest.find('\n');
    FLAME_ASSERT(newline != std::string_view::npos, "OutputLines gives whole lines");
    sink_("runner " + child.machine.runner + ": " + std::string(rest.substr(0, newline)));
    rest.remove_prefix(newline + 1);
  }
}

void LocalBackend::Watcher::report_ended() {
  if (ended_.empty()) return;
  std::vector<std::pair<MachineId, std::string>> reports;
  for (const auto& id : ended_) {
    auto& child = children_.at(id);
    if (child.process.output) read_output(child);
    write_out(child, child.lines.finish());
    auto [words, failed] = reap(child.process);
    // A guardian that ended by itself has done so. One that was killed, with its supervisor, could not.
    base::end_cgroup(child.cgroup);
    if (child.ending != Ending::none) {
      words = "destroyed (" + words + ")";
    } else if (failed) {
      words = with_tail(std::move(words), child.lines.tail());
    }
    reports.emplace_back(id, std::move(words));
    children_.erase(id);
  }
  publish_machines();
  OnExit callback;
  {
    const std::lock_guard lock(mutex_);
    callback = on_exit_;
  }
  if (!callback) return;
  for (auto& [id, words] : reports) callback(std::move(id), std::move(words));
}

void LocalBackend::Watcher::publish_machines() {
  std::vector<Machine> machines;
  for (const auto& [id, child] : children_) machines.push_back(child.machine);
  const std::lock_guard lock(mutex_);
  machines_ = std::move(machines);
}

}  // namespace flame::backends
