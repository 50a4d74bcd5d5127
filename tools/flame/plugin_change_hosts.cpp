// See plugin_change_hosts.hpp.
#include "tools/flame/plugin_change_hosts.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::cli {
namespace {

using std::chrono::milliseconds;

// A swap on a warm runner takes less than the first pause; one that boots a runner or waits for a start() takes
// seconds.
constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{500};

// A host that has ended since it was found is not concerned.
bool has_gone(const FoundHost& host) {
  std::error_code error;
  return host.pid != 0 && !host.control.empty() && !std::filesystem::exists(host.control, error);
}

// A change on one host.
struct Running {
  FoundHost host;
  std::uint64_t number = 0;
  std::optional<Result<ActivateResult>> done;
};

Error no_operation(const FoundHost& host) {
  return base::make_error(ErrorCode::incompatible, describe(host) + " answered something else than it was asked");
}

Running begin(const FoundHost& host, const control::ChangeRequest& request) {
  Running running{.host = host, .number = 0, .done = {}};
  const auto answer = ask(host, request);
  if (!answer) {
    running.done = explain_refusal(host, answer.error());
  } else if (const auto* operation = std::get_if<control::OperationStatus>(&*answer)) {
    running.number = operation->number;
  } else {
    running.done = no_operation(host);
  }
  return running;
}

void look(Running& running) {
  const auto answer = ask(running.host, control::OperationRequest{.number = running.number});
  if (!answer) {
    running.done = answer.error();
    return;
  }
  const auto* operation = std::get_if<control::OperationStatus>(&*answer);
  if (operation == nullptr) {
    running.done = no_operation(running.host);
  } else if (operation->result) {
    running.done = *operation->result;
  }
}

// False: to be stopped.
bool pause(milliseconds time, int stop_fd) {
  pollfd entry{.fd = stop_fd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, static_cast<int>(time.count())) <= 0;
}

HostChanges changes_of(std::vector<Running> running) {
  HostChanges changes;
  for (Running& one : running) {
    if (one.done) {
      changes.ended.push_back({std::move(one.host), std::move(*one.done)});
    } else {
      changes.under_way.push_back(std::move(one.host));
    }
  }
  return changes;
}

}  // namespace

Result<ConcernedHosts> find_concerned(const HostChoice& choice, const std::string& plugin, const std::string& pool) {
  const bool named = !choice.host.empty() || !choice.control.empty();
  auto found = find_hosts(choice);
  if (!found && named) return std::move(found).error();
  ConcernedHosts concerned;
  if (!found) return concerned;  // none runs
  for (FoundHost& host : *found) {
    if (!host.own && !named) continue;
    const auto answer = ask(host, control::StatusRequest{});
    const auto* status = answer ? std::get_if<control::HostStatus>(&*answer) : nullptr;
    if (status != nullptr) {
      host.name = status->name;
      host.pid = status->pid;
      if (named || is_concerned(*status, plugin, pool)) concerned.hosts.push_back(std::move(host));
    } else if (!has_gone(host)) {
      concerned.silent.push_back({host, answer ? no_operation(host) : answer.error()});
    }
  }
  return concerned;
}

HostChanges change_on(const std::vector<FoundHost>& hosts, const control::ChangeRequest& request, int stop_fd) {
  std::vector<Running> running;
  for (const FoundHost& host : hosts) running.push_back(begin(host, request));
  const auto has_ended = [](const Running& one) { return one.done.has_value(); };
  for (milliseconds time = kFirstPause; !std::ranges::all_of(running, has_ended);) {
    if (!pause(time, stop_fd)) break;
    for (Running& one : running)
      if (!one.done) look(one);
    time = std::min(time * 3 / 2, kLongestPause);
  }
  return changes_of(std::move(running));
}

}  // namespace flame::cli
