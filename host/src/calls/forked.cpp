// See forked.hpp.
#include "host/src/calls/forked.hpp"

namespace flame::pool {

Error forked_error() {
  return {.code = ErrorCode::shutting_down,
          .message =
              "this process is a fork of the one that made the host, whose threads and runners are not here; "
              "make a Host after fork(), or exec",
          .started = Started::no};
}

}  // namespace flame::pool
