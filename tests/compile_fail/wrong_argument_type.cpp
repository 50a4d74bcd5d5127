// expect: no matching
#include <flame/contract.hpp>

namespace m {
struct Index {
  int query(std::vector<int> keys) const;
};
}  // namespace m
int f(flame::Tracked<m::Index> index) {
  return index.call<&m::Index::query>("text");
}
