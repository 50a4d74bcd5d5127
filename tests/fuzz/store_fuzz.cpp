// Any bytes as each of the store's small files: an error with words, or a value that is printed as just those bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/src/plugins/store/formats.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace {

template <typename Parse>
void check(Parse parse, std::string_view bytes) {
  const auto value = parse(bytes);
  const bool good = value ? flame::store::print(*value) == bytes && bytes.size() <= flame::limits::kStoreFileMax
                          : !value.error().message.empty();
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(flame::store::parse_builds, bytes);
  check(flame::store::parse_records, bytes);
  check(flame::store::parse_refusal, bytes);
  check(flame::store::parse_host, bytes);
  return 0;
}
