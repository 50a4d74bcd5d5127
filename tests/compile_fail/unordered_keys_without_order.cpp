// expect: the keys of an unordered container need operator<
#include <flame/contract.hpp>

#include <unordered_set>

#include <flame/detail/codec.hpp>
namespace m {
struct Key {
  int value;
  bool operator==(const Key&) const = default;
};
struct Hash {
  std::size_t operator()(const Key&) const;
};
void f(std::unordered_set<Key, Hash> keys);
}  // namespace m
flame::detail::Payload f(const std::unordered_set<m::Key, m::Hash>& keys) {
  return flame::detail::encode_arguments<m::f>(keys);
}
