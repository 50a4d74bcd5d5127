// A request of the control socket on its way to the loop.
#pragma once

#include <functional>

#include "host/src/control/request.hpp"
#include "host/src/trace/status.hpp"

namespace flame::control {

struct Question {
  Request request;
  std::function<void(Answer)> reply;  ///< never blocks
};

}  // namespace flame::control
