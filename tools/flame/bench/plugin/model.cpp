// The bench plugin with a model: 500 MB that start() loads once and all slots share.
#include <cstddef>
#include <vector>

#include <flame/plugin.hpp>

#include "tools/flame/bench/plugin/tasks.hpp"

namespace {

constexpr std::size_t kModelBytes = 500'000'000;
constexpr std::size_t kPage = 4096;

std::vector<unsigned char>& model() {
  static std::vector<unsigned char>* const bytes = new std::vector<unsigned char>;  // never freed: no exit-time work
  return *bytes;
}

void load_model() {
  model().resize(kModelBytes);
  for (std::size_t i = 0; i < kModelBytes; i += kPage) model()[i] = static_cast<unsigned char>(i / kPage);
}

}  // namespace

FLAME_PLUGIN("bench-model", "1.0.0", plugin) {
  plugin.start<load_model>();
  plugin.task<flame_bench::echo>();
  plugin.task<flame_bench::die>();
}
