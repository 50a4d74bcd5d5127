// Contract of the plugin edge_beside.
#pragma once

#include <string>

#include <flame/contract.hpp>

namespace edge_beside {

/// What the two libraries say that the plugin finds through $ORIGIN.
std::string ask_libraries();

}  // namespace edge_beside
