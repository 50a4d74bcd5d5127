// The thread behind LocalBackend: takes its commands, starts processes, and tells of their end.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "backends/local/local_backend.hpp"
#include "backends/local/output.hpp"
#include "backends/local/process.hpp"
#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/line_writer.hpp"

namespace flame::backends {

class LocalBackend::Watcher {
 public:
  /// From destroy() to the killing of the supervisor, on which the guardian sweeps.
  static constexpr std::chrono::milliseconds kSupervisorGrace{500};
  /// From then to the killing of the guardian. Long enough for its sweep on a busy machine.
  static constexpr std::chrono::milliseconds kGuardianGrace{1500};

  Watcher(LocalOptions options, LineSink log);
  ~Watcher();  // ends every process, then the thread
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void on_exit(OnExit callback);
  void boot(BootRequest request, OnBoot done);
  void destroy(MachineId id);
  [[nodiscard]] std::vector<Machine> list();

 private:
  using Clock = std::chrono::steady_clock;
  struct BootCommand {
    BootRequest request;
    OnBoot done;
  };
  struct DestroyCommand {
    MachineId id;
  };
  using Command = std::variant<BootCommand, DestroyCommand>;
  enum class Ending : std::uint8_t { none, asked, supervisor_killed, guardian_killed };
  struct Child {
    Machine machine;
    RunnerProcess process;
    OutputLines lines;
    Ending ending = Ending::none;
    Clock::time_point next_step = Clock::time_point::max();
  };

  void submit(Command command);
  void run();
  void wait_for_events();
  void take_commands();
  void handle(BootCommand command);
  void handle(const DestroyCommand& command);
  [[nodiscard]] BootOutcome start(const BootRequest& request);
  void end(Child& child);
  void continue_endings();
  void read_output(Child& child);
  void write_out(const Child& child, const std::string& lines);
  void report_ended();
  void publish_machines();

  const LocalOptions options_;
  const LineSink sink_;
  std::optional<base::LineWriter> log_file_;
  base::EventFd wake_;

  std::mutex mutex_;  // guards the next four
  std::deque<Command> commands_;
  OnExit on_exit_;
  std::vector<Machine> machines_;
  bool stopping_ = false;

  // The thread's own.
  std::map<MachineId, Child> children_;
  std::vector<MachineId> readable_;
  std::vector<MachineId> ended_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace flame::backends
