// Chooses address and endpoints, keeps the port.
#include "host/src/transport/dial_address.hpp"

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

// "tcp://[::]:0" → "[::]"
std::string host_of(const std::string& endpoint) {
  const std::size_t begin = endpoint.find("://") + 3;
  return endpoint.substr(begin, endpoint.rfind(':') - begin);
}

}  // namespace

std::string dial_address(const std::string& advertise, const std::string& fly_address, const std::string& bound) {
  std::string address = advertise;
  if (advertise.empty() || advertise == "auto") {
    const std::string host = host_of(bound);
    const bool any = host == "[::]" || host == "0.0.0.0" || host == "*";
    const bool usable = !fly_address.empty() && fly_address.size() <= limits::kNameMax;
    address = usable ? fly_address : any ? "127.0.0.1" : host;
  }
  if (address.find(':') != std::string::npos && address.front() != '[') address = '[' + address + ']';
  return "tcp://" + address + bound.substr(bound.rfind(':'));
}

const Endpoints& endpoints_for(bool on_this_machine, const Endpoints& ipc, const Endpoints& tcp) {
  const bool by_ipc = on_this_machine ? !ipc.control.empty() : tcp.control.empty();
  return by_ipc ? ipc : tcp;
}

}  // namespace flame::pool
