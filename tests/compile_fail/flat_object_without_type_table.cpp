// expect: generate this FlatBuffers type with flatc --cpp --gen-object-api --reflect-types
#include <flame/contract.hpp>

#include <flame/detail/codec.hpp>

namespace m {
struct MonsterT;
struct Verifier {};
struct Monster {
  using NativeTableType = MonsterT;
  struct Builder {
    int& fbb_;
  };
  bool Verify(Verifier&) const;
};
struct MonsterT {
  using TableType = Monster;
};
void feed(MonsterT monster);
}  // namespace m
auto encoded(const m::MonsterT& monster) {
  return flame::detail::encode_arguments<m::feed>(monster);
}
