// Who calls: arrivals one by one and in bursts, cancels, storms of them, and what operators do to the pool meanwhile.
#pragma once

#include <functional>

#include "tests/sim/host_model.hpp"

namespace flame::sim {

class Callers {
 public:
  Callers(Context& sim, HostModel& host) : sim_(sim), host_(host) {}
  /// Until the world is calm.
  void start();
  /// One call with patience, of a task that ends soon and well.
  CallId probe(DigestId digest);

 private:
  void every(Duration mean, std::function<void()> deed);
  void arrive();
  void submit();
  void storm();
  void at_the_idle_edge();
  void resize();
  void update();

  Context& sim_;
  HostModel& host_;
  CallId last_call_ = 0;
};

}  // namespace flame::sim
