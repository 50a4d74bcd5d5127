// expect: no matching
#include "host_contract.hpp"

void f(const flame::Pool& pool) {
  pool.place_child<m::add>(1, 2);
}
