// Whose a machine is, by its labels: the proofs without which nobody ends the machine of another host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include <flame/backend.hpp>

namespace flame::pool {

/// A host's process in its origin.
struct HostProcess {
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;
  bool operator==(const HostProcess&) const = default;
  bool operator<(const HostProcess& other) const noexcept {
    return std::tie(pid, start_time) < std::tie(other.pid, other.start_time);
  }
};

/// The other way of process_label(); nullopt: that writes no such thing.
[[nodiscard]] std::optional<HostProcess> parse_process_label(std::string_view label);

enum class MachineOwner : std::uint8_t {
  unknown = 0,  ///< its labels do not say, or contradict its name
  elsewhere,    ///< a host that cannot be looked for from here
  living,       ///< a host whose process exists, as far as can be known
  gone,         ///< a host whose process does not exist any more
  expired,      ///< whoever's it is, the end of its life has passed
};
/// Proven to be of no use to anybody.
[[nodiscard]] constexpr bool is_abandoned(MachineOwner owner) noexcept {
  return owner == MachineOwner::gone || owner == MachineOwner::expired;
}

/// From where machines are looked at.
struct Viewpoint {
  std::string host;            ///< label_value() of the host's name: machines of others are nobody's business here
  std::string origin;          ///< origin_label()
  std::int64_t unix_time = 0;  ///< in seconds
};

/// The process whose end proves that a machine with these labels is abandoned; nullopt: none can be looked for here.
[[nodiscard]] std::optional<HostProcess> process_of(const Labels& labels, std::string_view origin);

/// `process_gone`: there is no process_of() this machine. One that cannot be read is not gone.
[[nodiscard]] MachineOwner owner_of(const Machine& machine, const Viewpoint& from, bool process_gone);

}  // namespace flame::pool
