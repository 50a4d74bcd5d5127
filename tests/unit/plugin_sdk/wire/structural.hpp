// Compares aggregates field by field, and tells whether each field differs from its default, so that a field added
// to a message later cannot be forgotten by the round-trip test.
#pragma once

#include <boost/pfr.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace flame::test {

template <typename T>
concept Comparable = std::equality_comparable<T> && !std::is_aggregate_v<T>;

template <typename T>
bool same(const T& a, const T& b);
template <typename T>
bool same(const std::vector<T>& a, const std::vector<T>& b);
template <typename A, typename B>
bool same(const std::pair<A, B>& a, const std::pair<A, B>& b) {
  return same(a.first, b.first) && same(a.second, b.second);
}

template <typename T, std::size_t... I>
bool same_fields(const T& a, const T& b, std::index_sequence<I...>) {
  return (same(boost::pfr::get<I>(a), boost::pfr::get<I>(b)) && ...);
}

template <typename T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    return same_fields(a, b, std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  } else {
    return a == b;
  }
}

template <typename T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same(a[i], b[i])) return false;
  }
  return true;
}

/// Names (by position, "3.1") of the fields of `value` that still have their default.
template <typename T, std::size_t... I>
void unset_fields(const T& value, const std::string& prefix, std::vector<std::string>& out, std::index_sequence<I...>);

template <typename T>
void unset_field(const T& value, const T& fallback, const std::string& name, std::vector<std::string>& out) {
  if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
    unset_fields(value, name + ".", out, std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  } else {
    if (same(value, fallback)) out.push_back(name);
  }
}

template <typename T, std::size_t... I>
void unset_fields(const T& value, const std::string& prefix, std::vector<std::string>& out, std::index_sequence<I...>) {
  const T fallback{};
  (unset_field(boost::pfr::get<I>(value), boost::pfr::get<I>(fallback), prefix + std::to_string(I), out), ...);
}

template <typename T>
std::vector<std::string> unset_fields(const T& value) {
  std::vector<std::string> out;
  unset_fields(value, "", out, std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  return out;
}

}  // namespace flame::test
