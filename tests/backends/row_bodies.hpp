// What each row does.
#pragma once

#include "tests/backends/subject.hpp"

namespace flame::test::row {

// --- rows_boot.cpp
void boot_ok(Subject& subject);
void phases_in_order(Subject& subject);
void never_dials_in(Subject& subject);
void dies_at_boot(Subject& subject);
void queued_for_long(Subject& subject);
void no_capacity(Subject& subject);
void destroy_while_booting(Subject& subject);
void lost_answer(Subject& subject);

// --- rows_engine.cpp
void engine_down(Subject& subject);
void list_scoped(Subject& subject);
void host_killed(Subject& subject);
void secrets_nowhere(Subject& subject);
void close_in_time(Subject& subject);

// --- rows_end.cpp
void exit_told(Subject& subject);
void ending_notice(Subject& subject);
void out_of_memory(Subject& subject);

}  // namespace flame::test::row
