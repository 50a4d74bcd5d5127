// expect: success
// The control: what the other files do, done right, compiles with the same command line.
#include <flame/contract.hpp>
#include <flame/result.hpp>

namespace m {
struct Point {
  int x;
  int y;
};
struct Index {
  int query(std::string key) const;
  int near(Point point, double radius);
  int find(int key) const;
  int find(std::string key) const;
};
void f(const std::string& in, std::string_view view, Point point, std::vector<Point> points);
}  // namespace m
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;

int f(flame::Tracked<m::Index> index, flame::Child<m::Index>& child) {
  return index.call<&m::Index::query>("a") + child.call<&m::Index::near>({.x = 1, .y = 2}, 3) +
         index.call<flame::overload<int(int)>(&m::Index::find)>(1);
}
