// What a person is told about a file of the store that cannot be used or a word that is none, and what to do.
#pragma once

#include <string>
#include <string_view>

#include <flame/error.hpp>

namespace flame::store {

/// invalid_argument: `cannot ACTION "PATH": No space left on device. …` with the remedy for this errno. [any thread]
[[nodiscard]] Error disk_error(std::string_view action, const std::string& path, int error);

/// Of a file that was read and says nothing sensible: `problem` is the parser's error, `remedy` a clause ("remove it,
/// and install the plugin again"). Keeps its code. [any thread]
[[nodiscard]] Error file_error(const std::string& path, const Error& problem, std::string_view remedy);

/// invalid_argument; at most limits::kNameMax bytes of the text are repeated. [any thread]
[[nodiscard]] Error no_plugin_name(std::string_view text);
[[nodiscard]] Error no_digest(std::string_view text);

}  // namespace flame::store
