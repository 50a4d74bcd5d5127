// expect: success
#include "host_contract.hpp"

int f(const flame::Pool& pool) {
  const flame::Child<m::Index> child = pool.place_child<m::index>("a");
  return pool.call<m::add>(1, 2) + pool.async<m::add>(1, 2).get() + child.call<&m::Index::query>("b");
}
