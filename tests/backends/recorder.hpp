// Writes down what is asked of a backend and what it says.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

#include "tests/backends/notes.hpp"

namespace flame::test {

/// Any thread. Outlives its backend.
class Recorder final : public BackendEvents {
 public:
  explicit Recorder(std::function<base::Instant()> now) : now_(std::move(now)) {}

  /// Before the call.
  void asks(Note note) { keep(std::move(note)); }
  /// A copy of all, in order.
  [[nodiscard]] std::vector<Note> notes() const {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  /// The last one of that kind, of that machine or ticket.
  [[nodiscard]] std::optional<Note> last(Note::What what, const MachineName& name = {}, std::uint64_t ticket = 0) const;
  [[nodiscard]] std::size_t count(Note::What what, const MachineName& name = {}) const;

  // --- BackendEvents
  void log(int level, std::string_view line) noexcept override;
  void opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept override;
  void phase(const MachineName& name, BootPhase phase, std::string_view detail) noexcept override;
  void booted(const MachineName& name, BootOutcome outcome) noexcept override;
  void ending(const MachineName& name, Duration left, std::string_view why) noexcept override;
  void exited(const MachineName& name, MachineExit exit) noexcept override;
  void destroyed(const MachineName& name, std::optional<Error> left) noexcept override;
  void listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept override;
  void logged(std::uint64_t ticket, Result<std::string> text) noexcept override;
  void closed() noexcept override;

 private:
  void keep(Note note) {
    note.at = now_();
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(note));
  }

  const std::function<base::Instant()> now_;
  mutable std::mutex mutex_;
  std::vector<Note> notes_;
};

}  // namespace flame::test
