// Questions of people about machines, until the backends have answered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

#include "host/src/calls/commands.hpp"
#include "host/src/control/question.hpp"
#include "host/src/loop/backend_port.hpp"
#include "host/src/policy/machine_owner.hpp"
#include "host/src/policy/types.hpp"
#include "host/src/trace/status.hpp"

namespace flame::pool {

/// Loop thread. Every question is answered once, at the latest after limits::kMachineAnswerMax, or destroyed with this.
class MachineQuestions {
 public:
  using Ports = std::map<std::string, std::shared_ptr<BackendPort>>;
  struct Parts {
    std::string host_name;
    std::string host;                                 // the label's value
    std::string origin;                               // likewise
    std::vector<std::string> pools;                   // their names
    std::function<bool(const HostProcess&)> is_gone;  // as Reaping::Parts
    std::function<std::int64_t()> unix_time;          // the same
  };
  explicit MachineQuestions(Parts parts) : parts_(std::move(parts)) {}

  void ask(std::shared_ptr<control::Question> question, const Ports& ports, Instant now);
  void listed(BackendPort& port, const command::BackendSaid::Listed& listed, const std::set<MachineName>& ours);
  void logged(BackendPort& port, command::BackendSaid::Logged& logged);
  void destroyed(BackendPort& port, const command::BackendSaid::Destroyed& destroyed);
  void tick(Instant now);
  [[nodiscard]] Instant next_wakeup() const;

 private:
  struct Open {
    std::shared_ptr<control::Question> question;
    Instant deadline;
    control::MachineList list;
    std::map<BackendPort*, std::uint64_t> tickets;  // of the answers that are awaited
    MachineName destroys;                           // its end is awaited of this …
    BackendPort* destroyer = nullptr;               // … backend
  };
  using Opens = std::vector<Open>;

  void list(Open& open, const Ports& ports) const;
  [[nodiscard]] std::optional<Error> begin_one(Open& open, const Ports& ports) const;
  [[nodiscard]] const control::MachinesRequest& request_of(const Open& open) const;
  [[nodiscard]] control::Answer overdue(Open& open) const;
  void answer(Opens::iterator at, control::Answer answer);
  [[nodiscard]] Opens::iterator find(BackendPort& port, std::uint64_t ticket);

  const Parts parts_;
  Opens open_;
};

}  // namespace flame::pool
