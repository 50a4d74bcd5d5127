// Processes of this computer for the suite: real runners, or a shell in their place that goes wrong.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/backends/subject.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {

/// Runners dial a socket that accepts them and says nothing.
class LocalSubject final : public Subject {
 public:
  LocalSubject();
  ~LocalSubject() override;

  [[nodiscard]] std::unique_ptr<Backend> backend() override;
  void kill(std::unique_ptr<Backend> backend) override;
  [[nodiscard]] std::shared_ptr<const BootDescriptor> descriptor(const MachineName& name) override;
  void arrange(BootRequest& request, Course course) override;
  [[nodiscard]] bool dialled(const MachineName& name) override;
  [[nodiscard]] Duration queue_time() const override { return {}; }
  void be(EngineState state) override;
  void end(const Machine& machine, Death death) override;
  void announce_end(const Machine& machine, Duration left) override;
  [[nodiscard]] std::size_t machines() override;
  [[nodiscard]] bool exists(const Machine& machine) override;
  [[nodiscard]] std::vector<std::string> secrets() const override { return secrets_; }
  [[nodiscard]] std::string exposed() override;
  [[nodiscard]] base::Instant now() const override;
  [[nodiscard]] bool until(const std::function<bool()>& condition, Duration patience) override;
  void settle() override;

 private:
  class Listener;

  const TempDir files_;
  std::string runner_;
  std::map<MachineName, std::unique_ptr<Listener>> listeners_;
  std::vector<std::string> secrets_;
};

}  // namespace flame::test
