// Chooses address and endpoints, keeps the port.
#include "host/src/transport/dial_address.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {
namespace {

// "tcp://[::]:0" → "[::]"
std::string host_of(const std::string& endpoint) {
  const std::size_t begin = endpoint.find("://") + 3;
  return endpoint.substr(begin, endpoint.rfind(':') - begin);
}

// An empty one stands for what is bound.
std::vector<std::string> addresses(const Reach& reach, const std::string& advertise) {
  if (!advertise.empty() && advertise != "auto") return {advertise};
  std::vector<std::string> usable;
  for (const std::string& address : reach.addresses) {
    const bool fits = !address.empty() && address.size() <= limits::kNameMax;
    if (fits && usable.size() < limits::kReachAddressesMax) usable.push_back(address);
  }
  if (usable.empty()) usable.emplace_back();
  return usable;
}

}  // namespace

std::string dial_address(const std::string& address, const std::string& bound) {
  std::string to = address;
  if (to.empty()) {
    to = host_of(bound);
    if (to == "[::]" || to == "0.0.0.0" || to == "*") to = "127.0.0.1";
  }
  if (to.find(':') != std::string::npos && to.front() != '[') to = '[' + to + ']';
  return "tcp://" + to + bound.substr(bound.rfind(':'));
}

Result<Endpoints> endpoints_for(const Reach& reach, const std::string& advertise, const Endpoints& ipc,
                                const Endpoints& tcp) {
  if (reach.ipc && !ipc.control.empty()) return ipc;
  if (tcp.control.empty()) {
    return base::make_error(ErrorCode::invalid_argument,
                            "this host listens on nothing that the machine can reach: add \"tcp://[::]:0\" to [host] "
                            "listen");
  }
  Endpoints dialled;
  for (const std::string& address : addresses(reach, advertise)) {
    for (std::size_t i = 0; i < tcp.control.size() && dialled.control.size() < limits::kEndpointsMax; ++i) {
      dialled.control.push_back(dial_address(address, tcp.control[i]));
      dialled.bulk.push_back(dial_address(address, tcp.bulk[i]));
    }
  }
  return dialled;
}

}  // namespace flame::pool
