// Any text as flame.toml: an error that says where, or a configuration that check_config() has no objection to.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <flame/config.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = flame::parse_config({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  const bool good = config ? !flame::check_config(*config)
                           : config.error().code == flame::ErrorCode::invalid_argument &&
                                 config.error().message.starts_with("fuzz.toml:");
  if (!good) std::abort();
  return 0;
}
