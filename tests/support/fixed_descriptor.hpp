// A boot that tells its runner what a test wants it to.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <flame/backend.hpp>

namespace flame::test {

/// The same bytes however the machine reaches its host.
class FixedDescriptor final : public BootDescriptor {
 public:
  explicit FixedDescriptor(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] Result<std::string> bytes(const Reach& /*reach*/) const override { return bytes_; }

 private:
  std::string bytes_;
};

[[nodiscard]] inline std::shared_ptr<const BootDescriptor> descriptor_of(std::string bytes) {
  return std::make_shared<FixedDescriptor>(std::move(bytes));
}

}  // namespace flame::test
