// What makes it a plugin.
#include <flame/plugin.hpp>

#include "greet.hpp"

FLAME_PLUGIN("greet", "1.2.3", p) {
  p.task<greet::hello>({.idempotent = true});
}
