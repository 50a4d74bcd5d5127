// Loop: answers to the control socket.
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include <flame/version.hpp>

#include "host/src/loop/loop.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame::pool {
namespace {

Error unknown_call(const control::WhyRequest& request) {
  using Which = control::WhyRequest::Which;
  if (request.which == Which::last) {
    return Error{.code = ErrorCode::not_found, .message = "no call of this host has ended yet"};
  }
  if (request.which == Which::failed) {
    return Error{.code = ErrorCode::not_found, .message = "no call of this host has failed yet"};
  }
  return Error{.code = ErrorCode::not_found,
               .message = "this host does not know invocation " + std::to_string(request.invocation) +
                          ": it remembers its last " + std::to_string(limits::kHistoryRecentMax) +
                          " calls, those that have not ended, and some older ones that failed or took long"};
}

}  // namespace

control::Answer Loop::answer(const control::Request& request, Instant now) const {
  if (const auto* status_request = std::get_if<control::StatusRequest>(&request)) return status(*status_request, now);
  const auto* why_request = std::get_if<control::WhyRequest>(&request);
  FLAME_ASSERT(why_request != nullptr, "changes block, so they are carried out elsewhere");
  return why(*why_request, now);
}

control::Answer Loop::status(const control::StatusRequest& request, Instant now) const {
  control::HostStatus host{
      .name = parts_.host_name, .pid = ::getpid(), .version = FLAME_VERSION, .uptime = now - started_, .pools = {}};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < drivers_.size(); ++i) {
    const std::string& name = parts_.pools[i]->name();
    names.push_back(name);
    if (request.pool.empty() || request.pool == name) {
      host.pools.push_back(drivers_[i]->status(now));
      host.pools.back().lines = lines_.status(static_cast<std::uint32_t>(i));
    }
  }
  if (!request.pool.empty() && host.pools.empty()) {
    return Error{.code = ErrorCode::not_found,
                 .message = "host " + host.name + " has no pool \"" + request.pool + "\"" +
                            base::did_you_mean(request.pool, names)};
  }
  std::ranges::sort(host.pools, {}, &control::PoolStatus::name);
  return host;
}

control::Answer Loop::why(const control::WhyRequest& request, Instant now) const {
  using Which = control::WhyRequest::Which;
  const CallId call = request.which == Which::last     ? history_.last_answered()
                      : request.which == Which::failed ? history_.last_failed()
                                                       : request.invocation;
  const CallStory* const story = history_.find(call);
  if (story == nullptr) return unknown_call(request);
  control::CallReport report = drivers_[story->pool]->explain(*story, now);
  report.host = parts_.host_name;
  report.pid = ::getpid();
  return report;
}

}  // namespace flame::pool
