// See network.hpp.
#include "tests/sim/network.hpp"

namespace flame::sim {

Link* Network::dial(RunnerId runner, LinkEnd& end) {
  if (host_ == nullptr || partitioned_[runner]) return nullptr;
  return links_[runner].emplace_back(std::make_unique<Link>(sim_, runner, *host_, end)).get();
}

void Network::partition(RunnerId runner) {
  sim_.findings.note("    runner ", runner, " is cut off");
  partitioned_[runner] = true;
  for (const auto& link : links_[runner]) link->partition();
}

void Network::heal(RunnerId runner) {
  sim_.findings.note("    runner ", runner, " can be reached again");
  partitioned_[runner] = false;
  for (const auto& link : links_[runner]) link->heal();
}

void Network::lose_host(bool told) {
  host_ = nullptr;
  for (const auto& [runner, links] : links_) {
    for (const auto& link : links) {
      if (told)
        link->close(Side::host);
      else
        link->vanish();
    }
  }
}

}  // namespace flame::sim
