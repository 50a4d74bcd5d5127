// expect: no matching
#include "host_contract.hpp"

int f(const flame::Pool& pool) {
  return pool.call<m::add>(1, std::string("two"));
}
