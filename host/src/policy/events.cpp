// Copies, moves and ends of an Event: a table of functions for 29 types each, which no other source compiles.
#include "host/src/policy/events.hpp"

namespace flame::pool {

Event::Event() noexcept = default;
Event::Event(const Event&) = default;
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(const Event&) = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;

}  // namespace flame::pool
