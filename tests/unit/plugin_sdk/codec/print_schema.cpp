// Prints the schema that flatc makes the reader of flatc_test.cpp from.
#include <cstdio>

#include "tests/unit/plugin_sdk/codec/types.hpp"

int main() {
  const std::string_view schema = flame::detail::Callee<work::echo>::schema;
  return std::fwrite(schema.data(), 1, schema.size(), stdout) == schema.size() ? 0 : 1;
}
