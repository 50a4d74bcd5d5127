// What the machines of a host are called and labelled, so that no two hosts ever take each other's for their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <flame/backend.hpp>

namespace flame::pool {

/// One start of one host. All but `run` are values of labels.
struct HostIdentity {
  std::string run;      ///< run_id() of a number drawn at this start
  std::string host;     ///< label_value() of the host's name
  std::string origin;   ///< origin_label()
  std::string process;  ///< process_label()
};

/// 13 characters of base 32, of which no two look alike.
[[nodiscard]] std::string run_id(std::uint64_t random);

/// "flame-<run>-<n>": at most 40 bytes for a run_id(). `n` is counted over all pools of the host.
[[nodiscard]] MachineName machine_name(std::string_view run, std::uint64_t n);

/// Whether it is a machine_name() of that run.
[[nodiscard]] bool is_machine_of(std::string_view run, std::string_view name);

/// A name as people chose it, as the value of a label: what is allowed of it, for people, and a hash of all of it, so
/// that two names never have one value.
[[nodiscard]] std::string label_value(std::string_view name);

/// Where the host's process can be looked for: equal where the kernel's boot and the pid namespace are.
[[nodiscard]] std::string origin_label(std::string_view boot_id, std::string_view pid_namespace);

/// The host's process in its origin: a pid alone is given again.
[[nodiscard]] std::string process_label(std::int64_t pid, std::uint64_t start_time);

/// By when a machine that is asked for at `unix_time` has ended for sure: it may get its place as late as its boot may
/// take. nullopt: that is not known.
[[nodiscard]] std::optional<std::int64_t> machine_until(std::int64_t unix_time, const BackendTraits& traits,
                                                        const BootRequest& request);

/// Labels of the machine `name` of a pool. `until`: machine_until().
[[nodiscard]] Labels machine_labels(const MachineName& name, std::string_view pool, const HostIdentity& host,
                                    std::optional<std::int64_t> until = std::nullopt);

}  // namespace flame::pool
