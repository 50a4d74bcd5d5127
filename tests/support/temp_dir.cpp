// Implements TempDir.
#include "tests/support/temp_dir.hpp"

#include <cstdlib>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/file.hpp"

namespace flame::test {

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  auto made = base::make_private_directory(base != nullptr ? base : "/tmp", "flame-test-");
  FLAME_ASSERT(made.has_value(), "cannot make a temporary directory");
  path_ = *made;
}

TempDir::~TempDir() {
  base::remove_tree(path_);
}

std::string TempDir::operator/(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

std::string TempDir::write(std::string_view name, std::string_view contents) const {
  std::string file = *this / name;
  FLAME_ASSERT(base::write_file_atomically(file, contents).has_value(), "cannot write a test file");
  return file;
}

}  // namespace flame::test
