// Why a slot or a zygote could not be made.
#pragma once

#include <string>

#include <boost/system/result.hpp>

#include <flame/error.hpp>

namespace flame::slot {

struct MakeFailure {
  Error error;            // boot_failed, unless it says otherwise
  bool shortage = false;  // of processes, memory or descriptors: no verdict on the plugin, it may work later
};

template <typename T>
using MakeResult = boost::system::result<T, MakeFailure>;

/// "`what`: <the system's words>. <which limit to raise>": boot_failed.
[[nodiscard]] MakeFailure make_failure(const std::string& what, int error_number);

}  // namespace flame::slot
