// Implements FieldCheck.
#include "plugin_sdk/wire/field_check.hpp"

#include <cstring>
#include <utility>
#include <vector>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::wire {
namespace {

// "release.objects", and of a table its name as a field would have it: "bulk_hello".
std::string dotted(const FieldPath& path) {
  if (path.parent != nullptr) return dotted(*path.parent) + '.' + path.name;
  std::string name;
  for (const char c : std::string_view(path.name)) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !name.empty()) name += '_';
    name += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

}  // namespace

Error incompatible(std::string message) {
  return base::make_error(ErrorCode::incompatible, std::move(message));
}

std::span<const std::byte> aligned_for_reading(std::span<const std::byte> bytes) {
  constexpr std::size_t kAlignment = 8;
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0) return bytes;
  thread_local std::vector<std::uint64_t> copy;
  copy.resize((bytes.size() + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  return std::as_bytes(std::span(copy)).first(bytes.size());
}

bool FieldCheck::text(const flatbuffers::String& text, const FieldRule& rule, const FieldPath& path) {
  if (text.size() > rule.bytes_max) return fail(path, "is longer than " + std::to_string(rule.bytes_max) + " bytes");
  if (rule.form == Form::digest && text.size() > 0 && !base::Digest::is_hex(text.string_view())) {
    return fail(path, "is not 64 lower-case hex digits");
  }
  if (rule.form == Form::key && text.size() > 0 && text.size() != rule.bytes_max) {
    return fail(path, "is not a CURVE key of 40 characters");
  }
  return spend(text.size(), path);
}

bool FieldCheck::fail(const FieldPath& path, std::string_view what) {
  problem_ = "the field \"" + dotted(path) + "\" " + std::string(what);
  return false;
}

bool FieldCheck::spend(std::size_t bytes, const FieldPath& path) {
  if (bytes > budget_) return fail(path, "makes the message decode to more than its limit");
  budget_ -= bytes;
  return true;
}

}  // namespace flame::wire
