// Tables of machines, and the choice among them.
#include "tools/flame/machines_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "tools/flame/table.hpp"

namespace flame::cli {
namespace {

Style style_of(const control::MachineStatus& machine) {
  if (is_abandoned(machine)) return Style::yellow;
  return machine.owner == "living" ? Style::green : Style::dim;
}

std::string table_text(const control::BackendMachines& backend, const Terminal& terminal) {
  Table table({"MACHINE", "ID", "STATE", "AGE", "POOL", "HOST", "BELONGS TO"});
  for (const control::MachineStatus& machine : backend.machines) {
    table.add({machine.name,
               machine.id,
               machine.state,
               approximate(machine.age),
               machine.pool,
               machine.host,
               {std::string(owner_text(machine.owner)), style_of(machine)}});
  }
  std::string text = table.text(terminal);
  if (backend.left_out > 0) text += fmt::format("  and {} more\n", backend.left_out);
  return text;
}

std::string backend_text(const std::string& host, const control::BackendMachines& backend, const Terminal& terminal) {
  const std::string head = "backend " + one_line(backend.backend);
  if (!backend.lists) {
    return head + " does not list: its machines are processes of their host and end with it (see `flame status`)\n";
  }
  if (!backend.error.empty()) return head + ": " + one_line(backend.error) + "\n";
  if (backend.machines.empty()) {
    return head + ": no machines of hosts called \"" + one_line(host) +
           "\"; those of another [host] name: --config with a file that has it\n";
  }
  return head + "\n" + table_text(backend, terminal);
}

Error not_listed(const std::string& name, const std::vector<ListedMachine>& machines) {
  std::vector<std::string> names;
  for (const ListedMachine& one : machines) names.push_back(one.machine.name);
  return base::make_error(ErrorCode::not_found, "no backend lists a machine \"" + name + "\"" +
                                                    base::did_you_mean(name, names) +
                                                    "; `flame machines list` shows what there is.");
}

}  // namespace

std::string_view owner_text(std::string_view owner) {
  if (owner == "living") return "a living host";
  if (owner == "gone") return "nobody, its host is gone";
  if (owner == "expired") return "nobody, its time is over";
  if (owner == "elsewhere") return "a host elsewhere";
  return "unknown";
}

bool is_abandoned(const control::MachineStatus& machine) {
  return machine.owner == "gone" || machine.owner == "expired";
}

std::string machines_text(const control::MachineList& list, const Terminal& terminal) {
  std::string text = "host " + terminal.styled(Style::bold, one_line(list.host));
  text += list.pid == 0 ? std::string("\n") : fmt::format(" (pid {})\n", list.pid);
  std::ptrdiff_t abandoned = 0;
  for (const control::BackendMachines& backend : list.backends) {
    text += backend_text(list.host, backend, terminal);
    abandoned += std::ranges::count_if(backend.machines, is_abandoned);
  }
  if (abandoned > 0)
    text += fmt::format("{} of these belong to nobody: `flame machines reap` destroys them\n", abandoned);
  return text;
}

std::vector<ListedMachine> all_machines(const std::vector<SourceList>& lists) {
  std::vector<ListedMachine> all;
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const SourceList& source : lists) {
    for (const control::BackendMachines& backend : source.list.backends) {
      for (const control::MachineStatus& machine : backend.machines) {
        if (seen.emplace(backend.backend, machine.name, machine.id).second)
          all.push_back({source.source, backend.backend, machine});
      }
    }
  }
  return all;
}

Result<std::vector<ListedMachine>> machines_meant(const std::vector<ListedMachine>& machines,
                                                  const std::vector<std::string>& names) {
  std::vector<ListedMachine> meant;
  if (names.empty()) {
    std::ranges::copy_if(machines, std::back_inserter(meant), is_abandoned, &ListedMachine::machine);
    return meant;
  }
  for (const std::string& name : std::set(names.begin(), names.end())) {
    const auto is_named = [&name](const ListedMachine& one) {
      return one.machine.name == name || (!name.empty() && one.machine.id == name);
    };
    const auto found = std::ranges::find_if(machines, is_named);
    if (found == machines.end()) return not_listed(name, machines);
    if (std::find_if(std::next(found), machines.end(), is_named) != machines.end()) {
      return base::make_error(ErrorCode::invalid_argument, "several machines are called \"" + name +
                                                               "\"; name one by its id, or its host with "
                                                               "--host");
    }
    meant.push_back(*found);
  }
  return meant;
}

std::vector<Error> unanswered(const control::MachineList& list) {
  std::vector<Error> errors;
  for (const control::BackendMachines& backend : list.backends) {
    if (!backend.error.empty())
      errors.push_back(
          base::make_error(ErrorCode::boot_failed, "backend \"" + backend.backend + "\": " + backend.error));
  }
  return errors;
}

Error or_missing(Error error, const std::vector<Error>& missing) {
  if (error.code != ErrorCode::not_found || missing.empty()) return error;
  error.code = ErrorCode::boot_failed;
  error.message += "\nNot all have answered, it may be there:";
  for (const Error& one : missing) error.message += "\n" + one.message;
  return error;
}

std::string question_text(const std::vector<ListedMachine>& machines) {
  std::string text;
  for (const ListedMachine& one : machines) {
    text += fmt::format("{} ({} of backend {}): belongs to {}\n", one_line(one.machine.name), one_line(one.machine.id),
                        one_line(one.backend), owner_text(one.machine.owner));
  }
  return text;
}

}  // namespace flame::cli
