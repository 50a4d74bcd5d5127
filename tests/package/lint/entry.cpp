// A plugin with nothing wrong.
#define FLAME_PLUGIN_BUILD_VERSION "1.0.0"
#include <flame/plugin.hpp>

namespace flaws {
int one() {
  return 1;
}
}  // namespace flaws

FLAME_PLUGIN("flaws", "1.0.0", p) {
  p.task<flaws::one>();
}
