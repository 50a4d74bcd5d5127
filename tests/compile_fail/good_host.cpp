// expect: success
#include <flame/host.hpp>

namespace m {
struct Index {
  int query(std::string key) const;
};
int add(int a, int b);
std::unique_ptr<Index> index(std::string path);
}  // namespace m

int f(const flame::Pool& pool) {
  const flame::Child<m::Index> child = pool.place_child<m::index>("a");
  return pool.call<m::add>(1, 2) + pool.async<m::add>(1, 2).get() + child.call<&m::Index::query>("b");
}
