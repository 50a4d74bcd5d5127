// expect: no matching
#include <flame/host.hpp>

namespace m {
struct Index {
  int query(std::string key) const;
};
int add(int a, int b);
std::unique_ptr<Index> index(std::string path);
}  // namespace m
void f(const flame::Pool& pool) {
  pool.call<m::index>("a");
}
