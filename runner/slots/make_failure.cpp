// Words and verdict for an errno.
#include "runner/slots/make_failure.hpp"

#include <cstring>

#include "plugin_sdk/base/shortage.hpp"

namespace flame::slot {

MakeFailure make_failure(const std::string& what, int error_number) {
  MakeFailure failure;
  failure.shortage = base::is_shortage(error_number);
  failure.error.code = ErrorCode::boot_failed;
  failure.error.started = Started::no;
  failure.error.message = what + ": " + std::strerror(error_number) + ".";
  const std::string remedy = base::shortage_remedy(error_number);
  if (!remedy.empty()) failure.error.message += " " + remedy;
  return failure;
}

}  // namespace flame::slot
