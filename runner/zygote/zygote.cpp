// The zygote's life: load the plugin, run start(), then fork slots on request.
#include "runner/zygote/zygote.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "runner/protocol/channel.hpp"
#include "runner/slot/crash_handler.hpp"
#include "runner/slot/hook.hpp"
#include "runner/slot/plugin_table.hpp"
#include "runner/slot/proc_file.hpp"
#include "runner/slot/process_hygiene.hpp"
#include "runner/slot/slot_limits.hpp"
#include "runner/slot/slot_process.hpp"
#include "runner/slot/streams.hpp"
#include "runner/zygote/loader.hpp"

namespace flame::slot {
namespace {

class Zygote {
 public:
  Zygote(int channel, bool exec_slot) : channel_(channel), exec_slot_(exec_slot), buffer_(kDatagramMax) {}

  int run() {
    if (!receive_load()) return kExitBadRequest;
    if (limits_.core_dumps != 0) allow_core_dumps();
    const std::uint32_t threads_before = thread_count();
    report_stage(Stage::loading);
    const Loaded loaded = load(expected_);
    if (loaded.plugin == nullptr) return refuse(loaded.error);
    table_ = PluginTable(*loaded.plugin);
    const bool exec_slots = (flags_of(*loaded.plugin) & FLAME_PLUGIN_EXEC_SLOTS) != 0;
    if (exec_slots && !exec_slot_) return report_exec_slots();
    report_stage(Stage::starting);
    if (auto error = run_hook(loaded.plugin->start, parent_, "start()")) return refuse(*error);
    const std::uint32_t threads = thread_count();
    const bool forkable = threads <= threads_before;
    forkable ? flush_all_streams() : flush_streams();  // or every slot would print it again
    report_ready({}, forkable, threads);
    if (!forkable && !exec_slot_) return 0;
    return serve();
  }

 private:
  bool receive_load() {
    LoadMessage message{};
    const ssize_t size = receive_datagram(channel_.get(), buffer_, 0);
    if (size <= 0 || !read_message(std::span(buffer_).first(static_cast<std::size_t>(size)), message)) return false;
    if (message.header.kind != Kind::load || ::getppid() != message.supervisor) return false;
    std::string_view text(reinterpret_cast<const char*>(buffer_.data()) + sizeof(message),
                          static_cast<std::size_t>(size) - sizeof(message));
    for (std::string* field :
         {&expected_.path, &expected_.name, &expected_.version, &host_name_, &pool_, &runner_id_, &backend_}) {
      const std::size_t end = text.find('\0');
      if (end == std::string_view::npos) return false;
      *field = text.substr(0, end);
      text.remove_prefix(end + 1);
    }
    expected_.tasks_hash = message.tasks_hash;
    expected_.task_count = message.task_count;
    supervisor_ = message.supervisor;
    limits_ = message.limits;
    parent_ = {sizeof(flame_parent_info), 0, host_name_.c_str(), pool_.c_str(), runner_id_.c_str(), backend_.c_str()};
    return true;
  }

  void report_stage(Stage stage) {
    auto message = make_message<StageMessage>(Kind::stage);
    message.stage = stage;
    static_cast<void>(send_datagram(channel_.get(), as_datagram(message), MSG_DONTWAIT));
  }

  void report_ready(const Error& error, bool forkable, std::uint32_t threads) {
    const std::size_t text = std::min(error.message.size(), limits::kTextMax);
    auto message = make_message<ZygoteReadyMessage>(Kind::zygote_ready, sizeof(ZygoteReadyMessage) + text);
    message.code = static_cast<std::uint32_t>(error.code);
    message.forkable = forkable ? 1 : 0;
    message.threads = threads;
    message.task_count = error.code == ErrorCode::none ? table_.plugin().task_count : 0;
    std::vector<std::byte> datagram(sizeof(message) + text);
    std::memcpy(datagram.data(), &message, sizeof(message));
    if (text != 0) std::memcpy(datagram.data() + sizeof(message), error.message.data(), text);
    static_cast<void>(send_datagram(channel_.get(), datagram, 0));
  }

  /// Its start() is for the slots: here it would only take a device and time.
  int report_exec_slots() {
    report_ready({}, false, 0);
    return 0;
  }

  int refuse(const Error& error) {
    report_ready(error, false, 1);
    // An exec'd slot has nobody on its load channel; its slots' channels carry the reason.
    if (exec_slot_ && receive_fork()) refuse_slots(pending_.slots, error.code, error.message, false);
    return 1;
  }

  int serve() {
    while (receive_fork()) make_process();
    return 0;
  }

  /// Collects all parts of the next request; false when the supervisor has closed the channel.
  bool receive_fork() {
    do {
      std::vector<UniqueFd> fds;
      ForkMessage message{};
      const ssize_t size = receive_with_fds(channel_.get(), buffer_, fds);
      if (size <= 0) return false;
      const auto datagram = std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(size));
      const bool valid = read_message(datagram, message) && message.header.kind == Kind::fork && message.total != 0;
      if (!valid || !collect(message, std::move(fds))) ::_exit(kExitBadRequest);
      wanted_ = message.total;
      request_ = message.request;
    } while (pending_.slots.size() < wanted_);
    return true;
  }

  bool collect(const ForkMessage& message, std::vector<UniqueFd> fds) {
    std::size_t next = 0;
    if (message.first == 0) {
      if (fds.size() < 2) return false;
      pending_ = SlotProcess{};
      pending_.out = std::move(fds[next++]);
      pending_.err = std::move(fds[next++]);
    }
    if (fds.size() != next + message.count * kFdsPerSlot || pending_.slots.size() != message.first) return false;
    for (std::uint32_t i = 0; i < message.count; ++i, next += kFdsPerSlot) {
      pending_.slots.push_back({std::move(fds[next]), std::move(fds[next + 1]), std::move(fds[next + 2])});
    }
    pending_.threads = message.threads != 0;
    pending_.limits = limits_;
    pending_.supervisor = supervisor_;
    return true;
  }

  void make_process() {
    SlotProcess process = std::move(pending_);
    pending_ = {};
    if (exec_slot_) {
      channel_.reset();
      run_slot_process(std::move(process), table_, parent_);
    }
    // The process between only forks, in this one's memory: a copy of that would cost as much as the slot itself.
    const pid_t between = ::vfork();
    if (between == 0) fork_slot(process);
    if (between < 0) return report_failure(errno);
    // Returns at once. When it is gone the slot is the supervisor's child.
    while (::waitpid(between, nullptr, 0) < 0 && errno == EINTR) continue;
  }

  // Here `process` is also that of the zygote, which closes its descriptors; only the slot may move from it.
  [[noreturn]] void fork_slot(SlotProcess& process) {
    const pid_t slot = ::fork();
    if (slot == 0) {
      channel_.reset();
      run_slot_process(std::move(process), table_, parent_);
    }
    if (slot < 0) {
      report_failure(errno);
    } else {
      auto message = make_message<SpawnedMessage>(Kind::spawned);
      message.request = request_;
      message.pid = slot;
      static_cast<void>(send_datagram(channel_.get(), as_datagram(message), 0));
    }
    ::_exit(0);
  }

  void report_failure(int error) {
    auto message = make_message<SpawnFailedMessage>(Kind::spawn_failed);
    message.request = request_;
    message.error = error;
    static_cast<void>(send_datagram(channel_.get(), as_datagram(message), 0));
  }

  UniqueFd channel_;
  bool exec_slot_;
  std::vector<std::byte> buffer_;
  Expected expected_;
  std::string host_name_, pool_, runner_id_, backend_;
  flame_parent_info parent_{};
  SlotLimits limits_;
  pid_t supervisor_ = 0;
  PluginTable table_;
  SlotProcess pending_;  // parts of the present request that have come
  std::uint32_t wanted_ = 0;
  std::uint64_t request_ = 0;
};

}  // namespace

int run_zygote(int channel, bool exec_slot) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // receive_load() checks the parent after this
  ::fcntl(channel, F_SETFD, FD_CLOEXEC);
  write_proc_file("/proc/self/oom_score_adj", "400");  // behind its slots (800), before the supervisor (0)
  install_crash_handler();
  return Zygote(channel, exec_slot).run();
}

}  // namespace flame::slot
