// Contract of the plugin edge_files.
#pragma once

#include <cstdint>

#include <flame/contract.hpp>

namespace edge_files {

std::int64_t process();

}  // namespace edge_files
