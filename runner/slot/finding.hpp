// Why a slot must serve no further call.
#pragma once

#include <string>

#include "plugin_sdk/base/discard_reason.hpp"

namespace flame::slot {

struct Finding {
  DiscardReason reason = DiscardReason::none;
  std::string text;  // a sentence's part: "the task left a thread running"
  [[nodiscard]] explicit operator bool() const { return reason != DiscardReason::none; }
};

}  // namespace flame::slot
