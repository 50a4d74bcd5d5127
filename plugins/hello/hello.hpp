// The contract: a function declaration. Hosts and the plugin include it.
#pragma once

#include <string>

#include <flame/contract.hpp>

namespace hello {

/// "Hello, <name>!"
std::string greet(std::string name);

}  // namespace hello
