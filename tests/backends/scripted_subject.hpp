// A scripted engine for the suite: virtual time, and everything can go wrong.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends/subject.hpp"
#include "tests/sim/agenda.hpp"
#include "tests/support/scripted_engine.hpp"

namespace flame::test {

/// Every claim of BackendTraits.
[[nodiscard]] BackendTraits all_traits();

class ScriptedSubject final : public Subject {
 public:
  /// Makes of a sound backend the one that is tested.
  using Wrap = std::function<std::unique_ptr<Backend>(std::unique_ptr<Backend>, ScriptedEngine&)>;
  explicit ScriptedSubject(BackendTraits traits, Wrap wrap = {});

  [[nodiscard]] std::unique_ptr<Backend> backend() override;
  void kill(std::unique_ptr<Backend> backend) override;
  [[nodiscard]] std::shared_ptr<const BootDescriptor> descriptor(const MachineName& name) override;
  void arrange(BootRequest& request, Course course) override;
  [[nodiscard]] bool dialled(const MachineName& name) override { return dialled_.contains(name); }
  [[nodiscard]] Duration queue_time() const override { return std::chrono::minutes(5); }
  void be(EngineState state) override;
  void end(const Machine& machine, Death death) override;
  void announce_end(const Machine& machine, Duration left) override;
  [[nodiscard]] std::size_t machines() override { return engine_.machines(); }
  [[nodiscard]] bool exists(const Machine& machine) override;
  [[nodiscard]] std::vector<std::string> secrets() const override;
  [[nodiscard]] std::string exposed() override;
  [[nodiscard]] base::Instant now() const override { return agenda_.now(); }
  [[nodiscard]] bool until(const std::function<bool()>& condition, Duration patience) override;
  void settle() override;

 private:
  [[nodiscard]] Fate fate_of(const BootRequest& request) const;

  const BackendTraits traits_;
  const Wrap wrap_;
  sim::Agenda agenda_;
  std::set<MachineName> dialled_;
  ScriptedEngine engine_;
};

}  // namespace flame::test
