// Maps and sets, ordered or not: vectors in ascending order of the keys.
#pragma once

#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

#include <flame/detail/codec/list.hpp>

namespace flame::detail {

/// A table with the fields `key` and `value`.
template <class K, class V>
struct MapEntry {
  MapEntry() = delete;
};
/// flatc's (key) goes with numbers and strings.
template <class K>
inline constexpr bool is_fbs_key = Scalar<K> || Enumeration<K> || Period<K> || SystemTime<K> || Text<K> || PathLike<K>;

template <class K, class V>
inline constexpr FieldArray<2> entry_fields = {
    FieldDesc{"key", &desc_of<typename OptionalPart<K>::Type>, OptionalPart<K>::optional},
    FieldDesc{"value", &desc_of<typename OptionalPart<V>::Type>, OptionalPart<V>::optional}};
template <class K, class V>
inline constexpr TypeDesc desc_of<MapEntry<K, V>> = {.kind = Kind::table,
                                                     .role = Role::entry,
                                                     .has_key = is_fbs_key<K>,
                                                     .fields = entry_fields<K, V>.data(),
                                                     .field_count = 2};
template <MapLike T>
inline constexpr TypeDesc desc_of<T> = {.kind = Kind::vector,
                                        .element = &desc_of<MapEntry<typename T::key_type, typename T::mapped_type>>};
template <SetLike T>
inline constexpr TypeDesc desc_of<T> = {
    .kind = Kind::vector, .role = Role::set, .element = &desc_of<typename ElementPart<typename T::key_type>::Type>};

template <class T>
concept SortsByLess = requires {
  typename T::key_compare;
}
&&(std::same_as<typename T::key_compare, std::less<typename T::key_type>> ||
   std::same_as<typename T::key_compare, std::less<>>);

/// Pointers to the elements in ascending order of their keys, so that equal maps have equal bytes and LookupByKey
/// works.
template <class T>
std::vector<const void*> ordered(const T& values) {
  using Key = typename T::key_type;
  using Element = typename T::value_type;
  std::vector<const void*> pointers;
  pointers.reserve(values.size());
  for (const Element& value : values) pointers.push_back(&value);
  static_assert(
      requires(const Key& a, const Key& b) { a < b; },
      "flame: the keys of an unordered container need operator<, because they travel sorted");
  if constexpr (!SortsByLess<T>) {
    sort_pointers(pointers.data(), pointers.size(), [](const void* a, const void* b) {
      if constexpr (MapLike<T>) {
        return static_cast<const Element*>(a)->first < static_cast<const Element*>(b)->first;
      } else {
        return *static_cast<const Element*>(a) < *static_cast<const Element*>(b);
      }
    });
  }
  return pointers;
}

template <MapLike T>
void put_value(Encoder& out, std::size_t reference, const T& values) {
  std::size_t at = out.put_vector(reference, values.size(), 4);
  for (const void* pointer : ordered(values)) {
    const auto& entry = *static_cast<const typename T::value_type*>(pointer);
    put_table<true>(out, at, entry.first, entry.second);  // readers in other languages require the key
    at += 4;
  }
}

template <SetLike T>
void put_value(Encoder& out, std::size_t reference, const T& values) {
  using Key = typename T::key_type;
  constexpr std::size_t kSize = element_size_of<Key>;
  std::size_t at = out.put_vector(reference, values.size(), kSize);
  for (const void* pointer : ordered(values)) {
    const Key& key = *static_cast<const Key*>(pointer);
    if constexpr (InlineValue<Key>) {
      out.store(at, inline_bits(out, key), kSize);
    } else {
      put_element(out, at, key);
    }
    at += kSize;
  }
}

template <MapLike T>
T get_value(Decoder& in, std::size_t vector) {
  T values;
  const std::size_t count = in.count(vector);
  for (std::size_t i = 0, at = vector + 4; i < count; ++i, at += 4) {
    const std::size_t entry = in.follow(at);
    auto key = get_field<typename T::key_type>(in, entry, 0);
    values.emplace(std::move(key), get_field<typename T::mapped_type>(in, entry, 1));
  }
  if (values.size() != count) in.fail_repeated();
  return values;
}

template <SetLike T>
T get_value(Decoder& in, std::size_t vector) {
  using Key = typename T::key_type;
  T values;
  const std::size_t count = in.count(vector);
  for (std::size_t i = 0, at = vector + 4; i < count; ++i, at += element_size_of<Key>) {
    values.emplace(get_element<Key>(in, at));
  }
  if (values.size() != count) in.fail_repeated();
  return values;
}

}  // namespace flame::detail
