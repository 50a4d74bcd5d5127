// One host, as a backend sees it: who asks for machines, and closes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <flame/backend.hpp>

#include "host/src/policy/machine_names.hpp"
#include "tests/backends/recorder.hpp"
#include "tests/backends/subject.hpp"

namespace flame::test {

/// Waits are at most kPatience, and a failure of the test then. What it has heard is held against the rules when it
/// ends.
class HostSide {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(20);
  static constexpr Duration kCloseMax = std::chrono::seconds(5);

  /// Opens a backend. `process`: one of a pid and start time; two with one name and two processes are twins.
  HostSide(Subject& subject, const std::string& name, int process);
  /// close(), unless it was called or the host died.
  ~HostSide();
  HostSide(const HostSide&) = delete;
  HostSide& operator=(const HostSide&) = delete;

  // --- calls
  [[nodiscard]] BootRequest request(Course course, const std::string& pool = "films");
  MachineName boot(BootRequest request);
  MachineName boot(Course course) { return boot(request(course)); }
  void destroy(const MachineName& name, const MachineId& id = {});
  /// As a host shuts down: destroys all that may exist, closes, and expects closed() in time.
  void close();
  void die();

  // --- waiting for the answers
  [[nodiscard]] std::optional<Note> hear(Note::What what, const MachineName& name, Duration patience = kPatience);
  /// The answer to the last boot() of that name.
  [[nodiscard]] std::optional<Note> outcome(const MachineName& name);
  /// The machine of a boot that must succeed.
  [[nodiscard]] std::optional<Machine> booted(const MachineName& name);
  [[nodiscard]] std::optional<BootFailure> failed(const MachineName& name);
  /// Its boot has reached the engine: something was said of it.
  [[nodiscard]] bool under_way(const MachineName& name);
  /// Destroys it and expects that it is gone.
  void destroy_well(const MachineName& name);
  [[nodiscard]] std::optional<Note> list(const Labels& scope);
  [[nodiscard]] std::optional<Note> logs(const Machine& machine, std::uint64_t bytes_max);

  [[nodiscard]] const Recorder& heard() const noexcept { return recorder_; }
  [[nodiscard]] const BackendTraits& traits() const { return backend_->traits(); }
  [[nodiscard]] const pool::HostIdentity& identity() const noexcept { return identity_; }
  [[nodiscard]] Subject& subject() const noexcept { return subject_; }

 private:
  [[nodiscard]] std::optional<Note> answer_to(std::uint64_t ticket, Note::What what);
  [[nodiscard]] bool may_exist(const MachineName& name) const;
  void check_rules(bool ended) const;

  Subject& subject_;
  const pool::HostIdentity identity_;
  Recorder recorder_;
  std::unique_ptr<Backend> backend_;
  BackendTraits traits_;
  std::vector<MachineName> names_;
  std::uint64_t boots_ = 0;
  std::uint64_t tickets_ = 0;
};

}  // namespace flame::test
