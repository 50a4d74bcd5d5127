// What JSON asks of a task's types, and where in a value a walk along them is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <flame/detail/type_desc.hpp>

namespace flame::cli {

/// Whether all members are named f0, f1, …: they have no names in C++.
[[nodiscard]] bool is_positional(const detail::TypeDesc& table);

/// Whether the table only wraps an element that cannot stand in a vector by itself: one member `v`.
[[nodiscard]] bool is_wrapper(const detail::TypeDesc& table);

/// Whether the vector is a map with text keys: an object in JSON.
[[nodiscard]] bool is_text_map(const detail::TypeDesc& vector);

/// "string", "[int32]", "{path: string}": a type for a person; `depth` limits nested members, `lists` lists of
/// lists, which may contain themselves.
[[nodiscard]] std::string describe(const detail::TypeDesc& type, int depth = 2, int lists = 8);

/// Names of a table's members.
[[nodiscard]] std::vector<std::string> member_names(const detail::TypeDesc& table);

/// One step from a value to a part of it. The name is borrowed.
struct Step {
  enum class Kind { argument, member, element, none };
  Kind kind = Kind::none;
  std::string_view name = {};
  std::size_t index = 0;
};

/// The steps to the value that a walk is at.
class Way {
 public:
  void enter(const Step& step) { steps_.push_back(step); }
  void enter(std::string_view member) { enter({.kind = Step::Kind::member, .name = member}); }
  void enter(std::size_t element) { enter({.kind = Step::Kind::element, .index = element}); }
  void leave() { steps_.pop_back(); }
  /// "argument 1.points[3].x"; without the first word where no argument was entered.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Step> steps_;
};

}  // namespace flame::cli
