// Copies, moves and ends of a Body: a table of functions for 28 types each, which no other source compiles.
#include "plugin_sdk/wire/messages.hpp"

namespace flame::wire {

Body::Body() noexcept = default;
Body::Body(const Body&) = default;
Body::Body(Body&&) noexcept = default;
Body& Body::operator=(const Body&) = default;
Body& Body::operator=(Body&&) noexcept = default;
Body::~Body() = default;

}  // namespace flame::wire
