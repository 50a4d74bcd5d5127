// The thread behind LocalBackend: takes its commands, starts processes, and tells of their end.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
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

[[nodiscard]] Error no_such_machine(const MachineName& name);

class LocalBackend::Watcher {
 public:
  /// From destroy() to the killing of the supervisor, on which the guardian sweeps.
  static constexpr std::chrono::milliseconds kSupervisorGrace{500};
  /// From then to the killing of the guardian. Long enough for its sweep on a busy machine.
  static constexpr std::chrono::milliseconds kGuardianGrace{1500};
  /// Before the limit of close(), so that what is killed then can still be reaped.
  static constexpr std::chrono::milliseconds kLastGrace{200};

  /// Throws std::system_error when the system gives no thread or descriptor.
  Watcher(const LocalOptions& options, BackendEvents& events);
  ~Watcher();  // waits for the thread; without close() ends every process first
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void boot(BootRequest request);
  void destroy(const MachineName& name);
  void list(std::uint64_t ticket, const Labels& scope);
  void logs(std::uint64_t ticket, const MachineName& name, std::uint64_t bytes_max);
  void close(Duration within);

 private:
  using Clock = std::chrono::steady_clock;
  struct BootCommand {
    BootRequest request;
    bool given_up = false;  // destroyed before its turn came
  };
  struct DestroyCommand {
    MachineName name;
  };
  struct ListCommand {
    std::uint64_t ticket = 0;
    Labels scope;
  };
  struct LogsCommand {
    std::uint64_t ticket = 0;
    MachineName name;
    std::uint64_t bytes_max = 0;
  };
  using Command = std::variant<BootCommand, DestroyCommand, ListCommand, LogsCommand>;
  enum class Ending : std::uint8_t { none, asked, supervisor_killed, guardian_killed };
  struct Child {
    Machine machine;
    std::string runner;  // for people
    RunnerProcess process;
    OutputLines lines;
    std::string cgroup;  // where its guardian puts what it starts; empty: unknown
    Clock::time_point born = Clock::now();
    unsigned destroys = 0;  // that are not answered
    Ending ending = Ending::none;
    Clock::time_point next_step = Clock::time_point::max();
  };

  void submit(Command command);
  void run();
  void open_log();
  [[nodiscard]] bool turn();
  void tell_of(const std::exception& failure) const noexcept;
  void wait_for_events();
  void take_commands();
  [[nodiscard]] Command next_command();
  void handle(const BootCommand& command);
  void handle(const DestroyCommand& command);
  void handle(const ListCommand& command);
  void handle(const LogsCommand& command);
  [[nodiscard]] BootOutcome boot_now(const BootCommand& command);
  [[nodiscard]] BootOutcome start(const BootRequest& request);
  void end(Child& child);
  void continue_endings();
  void kill_now(Child& child);
  void leave_the_rest();
  void read_output(Child& child);
  void write_out(const Child& child, const std::string& lines);
  void report_ended();
  void answer_destroys(const Child& child, const std::optional<Error>& left);
  [[nodiscard]] bool finished();
  [[nodiscard]] Clock::time_point kill_all_at() const;
  [[nodiscard]] Machine describe(const Child& child) const;

  const LocalOptions options_;
  BackendEvents& events_;
  base::EventFd wake_;

  std::mutex mutex_;  // guards the next two
  std::deque<Command> commands_;
  std::optional<Clock::time_point> close_by_;

  // The thread's own.
  std::optional<base::LineWriter> log_file_;
  std::optional<BootFailure> no_log_;  // why there is none though there should be one
  std::map<MachineName, Child> children_;
  std::vector<MachineName> readable_;
  std::vector<MachineName> ended_;
  std::optional<Clock::time_point> closing_;  // close_by_, once it was seen
  std::thread thread_;                        // last: it uses everything above
};

}  // namespace flame::backends
