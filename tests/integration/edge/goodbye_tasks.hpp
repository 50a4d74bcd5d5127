// Contract of the plugin edge_goodbye: its stop_slot() leaves a line in the file $GOODBYE_FILE.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace goodbye {

std::int32_t process_id();
std::int32_t meet();  // returns when $GOODBYE_SLOTS calls are in it
void hang();
void crash();

}  // namespace goodbye
