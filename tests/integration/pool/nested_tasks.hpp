// Contract of the plugin "nested_tasks": tasks that use a pool themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <flame/contract.hpp>

namespace nested {

/// Makes a host from the TOML text, calls pool_tasks::parent() in its pool "work", ends the host; what that gave.
std::vector<std::string> call_inside(std::string config);
/// The same, with a call there that takes this long, whatever it is asked.
void nap_inside(std::string config, std::int64_t milliseconds);
/// min and boots of the pool "work" of such a host, after a call of it.
std::vector<std::uint64_t> bounds_inside(std::string config);
struct LeftBehind {
  std::int32_t slot;
  std::int32_t guardian;
};
/// Leaves the host running when it returns: processes of its runner.
LeftBehind leave_host(std::string config);
std::int64_t process();

}  // namespace nested
