// Copies, moves and ends of an Action: a table of functions for 19 types each, which no other source compiles.
#include "host/src/policy/actions.hpp"

namespace flame::pool {

Action::Action() noexcept = default;
Action::Action(const Action&) = default;
Action::Action(Action&&) noexcept = default;
Action& Action::operator=(const Action&) = default;
Action& Action::operator=(Action&&) noexcept = default;
Action::~Action() = default;

}  // namespace flame::pool
