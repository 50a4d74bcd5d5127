// expect: no matching
#include "host_contract.hpp"

void f(const flame::Pool& pool) {
  pool.call<m::index>("a");
}
