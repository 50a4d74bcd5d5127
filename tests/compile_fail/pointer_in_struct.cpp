// expect: a pointer cannot travel to another process
#include <flame/contract.hpp>

namespace m {
struct Node {
  int value;
  Node* next;
};
Node f();
}  // namespace m
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
