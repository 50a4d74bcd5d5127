// Reads labels, which come from outside.
#include "host/src/policy/machine_owner.hpp"

#include <charconv>
#include <system_error>

#include "host/src/policy/machine_names.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

// Empty: there is none.
std::string_view label(const Labels& labels, const char* key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The clock may be somewhat ahead of the one by which the end was written down.
bool has_expired(const Labels& labels, std::int64_t unix_time) {
  const auto until = parse_number<std::int64_t>(label(labels, "flame-until"));
  return until && *until >= 0 && unix_time - limits::kUntilSlack.count() > *until;
}

}  // namespace

std::optional<HostProcess> parse_process_label(std::string_view label) {
  const std::size_t dash = label.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto pid = parse_number<std::int64_t>(label.substr(0, dash));
  const auto start_time = parse_number<std::uint64_t>(label.substr(dash + 1));
  if (!pid || *pid <= 0 || !start_time || *start_time == 0) return std::nullopt;
  if (process_label(*pid, *start_time) != label) return std::nullopt;
  return HostProcess{*pid, *start_time};
}

std::optional<HostProcess> process_of(const Labels& labels, std::string_view origin) {
  if (origin.empty() || label(labels, "flame-origin") != origin) return std::nullopt;
  return parse_process_label(label(labels, "flame-process"));
}

MachineOwner owner_of(const Machine& machine, const Viewpoint& from, bool process_gone) {
  const Labels& labels = machine.labels;
  const std::string_view host = label(labels, "flame-host");
  if (machine.name.empty() || label(labels, "flame-name") != machine.name) return MachineOwner::unknown;
  if (host.empty()) return MachineOwner::unknown;
  if (host != from.host) return MachineOwner::elsewhere;
  if (has_expired(labels, from.unix_time)) return MachineOwner::expired;
  if (process_of(labels, from.origin)) return process_gone ? MachineOwner::gone : MachineOwner::living;
  const std::string_view origin = label(labels, "flame-origin");
  return origin.empty() || origin == from.origin ? MachineOwner::unknown : MachineOwner::elsewhere;
}

}  // namespace flame::pool
