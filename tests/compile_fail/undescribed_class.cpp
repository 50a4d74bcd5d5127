// expect: add BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_CLASS
#include <flame/contract.hpp>

namespace m {
class Account {
 public:
  Account();

 private:
  int cents_ = 0;
};
void f(std::vector<Account> accounts);
}  // namespace m
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
