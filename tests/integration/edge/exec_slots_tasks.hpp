// Contract of the plugin edge_exec_slots, whose slots are never forked.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace exec_slots {

std::int32_t process_id();
/// The process in which start() ran that this one knows of.
std::int32_t started_in();
void hang();

}  // namespace exec_slots
