// expect: flame: exec_slots() is said once
#include <flame/plugin.hpp>
FLAME_PLUGIN("twice", "1.0.0", p) {
  p.exec_slots();
  p.exec_slots();
}
