// What `flame machines` prints, and which machines it means. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/trace/status.hpp"
#include "tools/flame/terminal.hpp"

namespace flame::cli {

/// What one source (of that position) lists.
struct SourceList {
  std::size_t source = 0;
  control::MachineList list;
};

/// One machine and who lists it.
struct ListedMachine {
  std::size_t source = 0;
  std::string backend;
  control::MachineStatus machine;
};

/// "nobody, its host is gone": MachineStatus::owner for people.
[[nodiscard]] std::string_view owner_text(std::string_view owner);
/// Nobody needs it: proven.
[[nodiscard]] bool is_abandoned(const control::MachineStatus& machine);

/// All backends of one source. `terminal`: for colours only.
[[nodiscard]] std::string machines_text(const control::MachineList& list, const Terminal& terminal);

/// Each machine once: hosts of one name list each other's.
[[nodiscard]] std::vector<ListedMachine> all_machines(const std::vector<SourceList>& lists);

/// Those that are named, by name or engine id; `names` empty: those that are abandoned. Errors: not_found for a name
/// that nobody lists, invalid_argument for one that several machines have.
[[nodiscard]] Result<std::vector<ListedMachine>> machines_meant(const std::vector<ListedMachine>& machines,
                                                                const std::vector<std::string>& names);

/// One error for each backend that has not answered: its machines are not in the list.
[[nodiscard]] std::vector<Error> unanswered(const control::MachineList& list);
/// machines_meant()'s error. A machine that nobody lists may be where nothing was answered: then it is not not_found,
/// but boot_failed with what is `missing`.
[[nodiscard]] Error or_missing(Error error, const std::vector<Error>& missing);

/// What is asked before these are destroyed, which belong to somebody, or may.
[[nodiscard]] std::string question_text(const std::vector<ListedMachine>& machines);

}  // namespace flame::cli
