// Which digests must stay in the store, and why. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/src/plugins/store/records.hpp"

namespace flame::store {

/// By digest: "is active in web-1/ffmpeg", "was active before in *", "is used by the host web-1 (process 12)".
using InUse = std::map<std::string, std::string, std::less<>>;

/// What records and running hosts name; of several reasons for a digest all, with commas. [any thread]
[[nodiscard]] InUse in_use(const std::vector<Records>& records, const std::vector<HostUse>& hosts);

}  // namespace flame::store
