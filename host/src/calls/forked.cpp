// See forked.hpp.
#include "host/src/calls/forked.hpp"

#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

Error forked_error() {
  return base::refusal(ErrorCode::shutting_down,
                       "this process is a fork of the one that made the host, whose threads and runners are not here; "
                       "make a Host after fork(), or exec");
}

}  // namespace flame::pool
