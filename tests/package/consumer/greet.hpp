// The contract of plugin and host.
#pragma once

#include <string>

#include <flame/contract.hpp>

namespace greet {
std::string hello(std::string name);
}
