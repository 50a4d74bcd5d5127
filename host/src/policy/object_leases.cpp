// ObjectLeases: queues in front of slots that objects live in.
#include "host/src/policy/object_leases.hpp"

#include <utility>

#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

void ObjectLeases::open(CallId lease, RunnerId runner) {
  const auto [it, fresh] = leases_.try_emplace(lease);
  if (!fresh) return;
  it->second.runner = runner;
  by_runner_[runner].insert(lease);
}

std::optional<ObjectLeases::Remains> ObjectLeases::close(CallId id) {
  const auto node = leases_.extract(id);
  if (node.empty()) return std::nullopt;
  Lease& lease = node.mapped();
  Remains remains{lease.runner, forget_waiting(lease), std::nullopt};
  if (lease.inside != 0) {
    remains.inside = lease.inside;
    inside_of_.erase(lease.inside);
  }
  const auto runner = by_runner_.find(lease.runner);
  runner->second.erase(id);
  if (runner->second.empty()) by_runner_.erase(runner);
  return remains;
}

std::vector<CallId> ObjectLeases::begin_close(CallId id, const std::string& why) {
  const auto it = leases_.find(id);
  if (it == leases_.end() || std::exchange(it->second.closing, true)) return {};
  it->second.why = why;
  return forget_waiting(it->second);
}

ObjectLeases::Admission ObjectLeases::enqueue(CallId id, CallId call) {
  const auto it = leases_.find(id);
  if (it == leases_.end() || it->second.closing) return Admission::gone;
  if (it->second.waiting.size() >= waiting_max_ && it->second.inside != 0) return Admission::full;
  const std::uint64_t order = next_order_++;
  it->second.waiting.emplace(order, call);
  const bool fresh = waits_at_.emplace(call, Place{id, order}).second;
  FLAME_ASSERT(fresh, "a call waits once");
  return Admission::queued;
}

std::optional<ObjectLeases::Turn> ObjectLeases::next(CallId id) {
  const auto it = leases_.find(id);
  if (it == leases_.end() || it->second.inside != 0 || it->second.waiting.empty()) return std::nullopt;
  Lease& lease = it->second;
  const CallId call = lease.waiting.begin()->second;
  lease.waiting.erase(lease.waiting.begin());
  waits_at_.erase(call);
  lease.inside = call;
  inside_of_.emplace(call, id);
  return Turn{call, lease.runner};
}

std::optional<CallId> ObjectLeases::ended(RunnerId runner, CallId call) {
  const auto inside = inside_of_.find(call);
  if (inside == inside_of_.end()) return std::nullopt;
  const CallId id = inside->second;
  Lease& lease = leases_.at(id);
  if (lease.runner != runner) return std::nullopt;
  lease.inside = 0;
  inside_of_.erase(inside);
  return id;
}

bool ObjectLeases::remove_waiting(CallId call) {
  const auto node = waits_at_.extract(call);
  if (node.empty()) return false;
  leases_.at(node.mapped().lease).waiting.erase(node.mapped().order);
  return true;
}

std::optional<CallId> ObjectLeases::lease_around(CallId call) const {
  const auto it = inside_of_.find(call);
  return it == inside_of_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<RunnerId> ObjectLeases::runner_of(CallId lease) const {
  const auto it = leases_.find(lease);
  return it == leases_.end() ? std::nullopt : std::optional(it->second.runner);
}

const std::string& ObjectLeases::why_closing(CallId lease) const {
  static const std::string kNone;
  const auto it = leases_.find(lease);
  return it == leases_.end() ? kNone : it->second.why;
}

std::vector<CallId> ObjectLeases::leases(RunnerId runner) const {
  const auto it = by_runner_.find(runner);
  if (it == by_runner_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

std::vector<CallId> ObjectLeases::forget_waiting(Lease& lease) {
  std::vector<CallId> calls;
  for (const auto& [order, call] : lease.waiting) calls.push_back(call);
  lease.waiting.clear();
  for (const CallId call : calls) waits_at_.erase(call);
  return calls;
}

}  // namespace flame::pool
