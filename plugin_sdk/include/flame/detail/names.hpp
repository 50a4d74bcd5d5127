// Names of types and functions at compile time, the same under g++ and clang, NUL-terminated with static storage.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <flame/naming.hpp>

namespace flame::detail {

/// Text with static storage made at compile time; ends with a NUL that size() does not count.
template <std::size_t N>
struct FixedText {
  char text[N + 1] = {};
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, N}; }
};

// A const char* result: with std::string_view g++ appends the expansion of that alias to the text.
template <auto F>
constexpr const char* pretty_value() {
  return __PRETTY_FUNCTION__;
}
template <class T>
constexpr const char* pretty_type() {
  return __PRETTY_FUNCTION__;
}

/// "… [with auto F = &a::b]" and "… [F = &a::b]" → "a::b".
constexpr std::string_view pretty_argument(std::string_view pretty, std::string_view marker) {
  pretty.remove_prefix(pretty.find(marker) + marker.size());
  pretty.remove_suffix(1);
  if (pretty.starts_with('&')) pretty.remove_prefix(1);
  return pretty;
}

constexpr bool names_anonymous_namespace(std::string_view name) {
  return name.find("{anonymous}") != name.npos || name.find("(anonymous namespace)") != name.npos;
}

/// "a::b<c::d>::e" → "e".
constexpr std::string_view last_component(std::string_view name) {
  int depth = 0;
  for (std::size_t i = name.size(); i > 1; --i) {
    const char c = name[i - 1];
    if (c == '>' || c == ')') ++depth;
    if (c == '<' || c == '(') --depth;
    if (depth == 0 && c == ':' && name[i - 2] == ':') return name.substr(i);
  }
  return name;
}

template <std::size_t N, class... Part>
constexpr FixedText<N> join(Part... parts) {
  FixedText<N> result;
  std::size_t at = 0;
  const auto append = [&](std::string_view part) {
    for (const char c : part) result.text[at++] = c;
  };
  (append(parts), ...);
  return result;
}

template <class T>
inline constexpr std::string_view raw_type_name = pretty_argument(pretty_type<T>(), "T = ");
template <class T>
inline constexpr auto type_name_text = join<raw_type_name<T>.size()>(raw_type_name<T>);

/// "video::Index". Differs between compilers for template instances and inline namespaces.
template <class T>
constexpr std::string_view type_name() {
  return type_name_text<T>.view();
}

template <auto F>
inline constexpr std::string_view raw_value_name = pretty_argument(pretty_value<F>(), "F = ");

/// Functions: name_for<F>, else the qualified name. Methods: "ns::Type::method", with the type of the object, not of
/// the base that declares the method.
template <auto F, class Object>
struct CalleeName {
  static constexpr std::string_view kMethod = name_for<F>.empty() ? last_component(raw_value_name<F>) : name_for<F>;
  static constexpr auto kText =
      join<raw_type_name<Object>.size() + 2 + kMethod.size()>(raw_type_name<Object>, std::string_view("::"), kMethod);
};
template <auto F>
struct CalleeName<F, void> {
  static constexpr std::string_view kFunction = name_for<F>.empty() ? raw_value_name<F> : name_for<F>;
  static constexpr auto kText = join<kFunction.size()>(kFunction);
};

}  // namespace flame::detail
