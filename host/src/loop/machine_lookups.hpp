// Machines of boots whose answers were lost, looked for in the lists of their backends.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <flame/backend.hpp>

#include "host/src/calls/commands.hpp"
#include "host/src/loop/backend_port.hpp"

namespace flame::pool {

/// For machines whose runners have dialled in: each of them exists, or its end is about to be heard. It is not booted
/// again to be adopted, which would make another if it has died meanwhile. Loop thread.
class MachineLookups {
 public:
  /// `host`: the value of the label.
  explicit MachineLookups(std::string host) : host_(std::move(host)) {}

  void ask(BackendPort& port, const MachineName& name);
  /// The machine, if this is the answer to one ask(); nullopt: it is not. With a list that does not have it, which
  /// proves nothing, or with none, no more is known of it than its name and how long machines of its backend live.
  [[nodiscard]] std::optional<Machine> listed(const BackendPort& port, const command::BackendSaid::Listed& listed);

 private:
  std::string host_;
  std::map<std::pair<const BackendPort*, std::uint64_t>, MachineName> open_;  // by the ticket of the list
};

}  // namespace flame::pool
