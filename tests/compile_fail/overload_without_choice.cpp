// expect: no matching
#include <flame/contract.hpp>

namespace m {
struct Index {
  int find(int key) const;
  int find(std::string key) const;
};
}  // namespace m
int f(flame::Tracked<m::Index> index) {
  return index.call<&m::Index::find>(1);
}
