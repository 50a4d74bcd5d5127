// expect: this is not a method of the object's type
#include <flame/contract.hpp>

namespace m {
struct Index {
  int query() const;
};
struct Other {
  int query() const;
};
}  // namespace m
int f(flame::Tracked<m::Index> index) {
  return index.call<&m::Other::query>();
}
