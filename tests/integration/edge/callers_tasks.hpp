// Tasks for callers that wait, submit and give up.
#pragma once

#include <flame/contract.hpp>

namespace edge_callers {

std::int32_t add(std::int32_t a, std::int32_t b);
std::uint64_t size_of(flame::Bytes bytes);
/// Until it is stopped or so many milliseconds have passed.
void linger(flame::Context&, std::int32_t milliseconds);

}  // namespace edge_callers
