// expect: flame: the version in FLAME_PLUGIN differs from VERSION in flame_add_plugin
#define FLAME_PLUGIN_BUILD_VERSION "1.0.1"
#include <flame/plugin.hpp>
namespace m {
int f(int value) {
  return value;
}
}  // namespace m
FLAME_PLUGIN("version", "1.0.0", p) {
  p.task<m::f>();
}
