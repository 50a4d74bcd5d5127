// A backend that has a name and boots nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

namespace flame::test {

/// Never answers a boot. Fakes override what they need.
class IdleBackend : public Backend {
 public:
  explicit IdleBackend(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  void on_exit(OnExit /*callback*/) override {}
  void boot(BootRequest /*request*/, OnBoot /*done*/) override {}
  void destroy(const MachineId& /*id*/) override {}
  [[nodiscard]] std::vector<Machine> list() override { return {}; }

 private:
  std::string name_;
};

}  // namespace flame::test
