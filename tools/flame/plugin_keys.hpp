// What the commands about signatures share.
#pragma once

#include <optional>
#include <string>

#include <flame/error.hpp>

namespace flame::cli {

/// An error when the value of --key is the text of a secret key, which every user of this machine can read on a command
/// line. Shows nothing of it. [any thread]
[[nodiscard]] std::optional<Error> find_secret(const std::string& value);

}  // namespace flame::cli
