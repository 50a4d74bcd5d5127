// Finds what a person meant who mistyped a name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flame::base {

/// The candidate nearest to `name` (insertions, deletions, substitutions, swapped neighbours; case counts half), if it
/// is near enough to be a slip: at most a third of the longer name's length, at least 1. First wins on a tie.
[[nodiscard]] std::optional<std::string> nearest(std::string_view name, std::span<const std::string> candidates);

/// `; did you mean "x"?` or an empty string: the end of an error message.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace flame::base
