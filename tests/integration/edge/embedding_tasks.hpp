// A task for a program that embeds a host.
#pragma once

#include <flame/contract.hpp>

namespace edge_embedding {

std::int32_t add(std::int32_t a, std::int32_t b);
void linger(flame::Context&, std::int32_t milliseconds);

}  // namespace edge_embedding
