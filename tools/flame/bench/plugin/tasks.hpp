// What `flame bench` measures with: the contract of its plugins.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace flame_bench {

std::string echo(std::string text);
flame::Bytes echo_bytes(flame::Bytes bytes);
std::uint64_t swallow(flame::Bytes bytes);  ///< how many there were
void wait_ms(std::int32_t milliseconds);
void die();  ///< kills its own process

}  // namespace flame_bench
