// What was asked of a backend and what it has said, in one order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/backend.hpp>

#include "plugin_sdk/base/clock.hpp"

namespace flame::test {

/// One call or one event.
struct Note {
  enum class What : std::uint8_t {
    asks_open,
    asks_boot,
    asks_destroy,
    asks_list,
    asks_logs,
    asks_close,
    log,
    opened,
    phase,
    booted,
    ending,
    exited,
    destroyed,
    listed,
    logged,
    closed,
  };
  What what{};
  base::Instant at{};
  MachineName name;
  std::uint64_t ticket = 0;
  std::optional<BootFailure> failure;  // of opened() and booted()
  std::optional<Machine> machine;      // of booted(), and the labels of a boot
  BootPhase phase{};
  Duration left{};
  MachineExit exit;
  std::optional<Error> error;  // of destroyed(), listed(), logged()
  std::vector<Machine> machines;
  std::string text;  // lines of logs, details, reasons
};

[[nodiscard]] inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
/// Every text in it that people may see.
[[nodiscard]] std::string texts_of(const Note& note);

/// Sentences that say which rule of the contract was broken where; none if all were kept. `ended`: closed() is due.
[[nodiscard]] std::vector<std::string> broken_rules(const std::vector<Note>& notes, const BackendTraits& traits,
                                                    bool ended);

}  // namespace flame::test
