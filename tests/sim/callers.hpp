// Who calls: arrivals one by one and in bursts, cancels, storms of them, and what operators do to the pool meanwhile.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "tests/sim/sim_host.hpp"

namespace flame::sim {

class Callers {
 public:
  Callers(Context& sim, SimHost& host);
  /// Until the world is calm.
  void start();
  /// One call with patience, of a task that ends soon and well.
  CallId probe(DigestId digest);
  /// Every object that some caller still has a handle to.
  void let_go_of_all();

 private:
  void every(Duration mean, std::function<void()> deed);
  void arrive();
  void submit(bool at_once = true);
  void storm();
  void at_the_idle_edge();
  void use(CallId lease, Handles objects);
  void call_on(CallId lease);
  void let_go(CallId lease, std::uint64_t number);
  void end(const detail::ObjectHandle& object);
  void resize();
  [[nodiscard]] DigestId choose_digest() const;
  void change();
  void change_once();

  Context& sim_;
  SimHost& host_;
  CallId last_call_ = 0;
  std::map<CallId, std::map<std::uint64_t, detail::ObjectHandle>> handles_;
  std::uint64_t last_handle_ = 0;
};

}  // namespace flame::sim
