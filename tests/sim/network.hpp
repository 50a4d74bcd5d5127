// All links of a world.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "tests/sim/link.hpp"

namespace flame::sim {

class Network {
 public:
  explicit Network(Context& sim) : sim_(sim) {}
  void set_host(LinkEnd& host) { host_ = &host; }

  /// A fresh connection to the host; null: it cannot be reached.
  [[nodiscard]] Link* dial(RunnerId runner, LinkEnd& end);
  void partition(RunnerId runner);
  void heal(RunnerId runner);
  /// The host's process has ended, or (`told` false) its machine is gone.
  void lose_host(bool told);

 private:
  Context& sim_;
  LinkEnd* host_ = nullptr;
  std::map<RunnerId, std::vector<std::unique_ptr<Link>>> links_;
  std::map<RunnerId, bool> partitioned_;
};

}  // namespace flame::sim
