// expect: ignoring return
#include "host_contract.hpp"

void f(const flame::Pool& pool) {
  pool.async<m::add>(1, 2);
}
