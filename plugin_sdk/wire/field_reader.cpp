// Implements FieldReader.
#include "plugin_sdk/wire/field_reader.hpp"

#include <cstring>
#include <memory>
#include <utility>

#include "plugin_sdk/base/digest.hpp"

namespace flame::wire {

Error incompatible(std::string message) {
  Error error;
  error.code = ErrorCode::incompatible;
  error.message = std::move(message);
  return error;
}

std::span<const std::byte> aligned_for_reading(std::span<const std::byte> bytes) {
  constexpr std::size_t kAlignment = 8;
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0) return bytes;
  thread_local std::vector<std::uint64_t> copy;
  copy.resize((bytes.size() + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  return std::as_bytes(std::span(copy)).first(bytes.size());
}

std::string FieldReader::text(const flatbuffers::String* value, std::size_t bytes_max, std::string_view field) {
  if (failed() || value == nullptr) return {};
  if (value->size() > bytes_max) {
    fail(field, "is longer than " + std::to_string(bytes_max) + " bytes");
    return {};
  }
  return spend(value->size(), field) ? value->str() : std::string();
}

std::string FieldReader::digest(const flatbuffers::String* value, std::string_view field) {
  constexpr std::size_t kDigits = 64;
  std::string result = text(value, kDigits, field);
  if (!failed() && !result.empty() && !base::Digest::is_hex(result)) {
    fail(field, "is not 64 lower-case hex digits");
    result.clear();
  }
  return result;
}

std::vector<std::uint64_t> FieldReader::numbers(const flatbuffers::Vector<std::uint64_t>* values, std::size_t count_max,
                                                std::string_view field) {
  std::vector<std::uint64_t> result;
  if (values == nullptr || !countable(values->size(), count_max, field)) return result;
  if (!spend(values->size() * sizeof(std::uint64_t), field)) return result;
  result.resize(values->size());
  // Not element by element: the verifier does not look at the alignment of elements. memcpy wants no null pointer.
  if (!result.empty()) std::memcpy(result.data(), values->Data(), result.size() * sizeof(std::uint64_t));
  return result;
}

std::int64_t FieldReader::duration(std::int64_t ns, std::string_view field) {
  if (ns < -1) fail(field, "is a negative duration");
  return failed() ? 0 : ns;
}

void FieldReader::fail(std::string_view field, std::string_view what) {
  if (failed()) return;
  problem_ = incompatible("the field \"" + std::string(field) + "\" " + std::string(what));
}

bool FieldReader::countable(std::size_t count, std::size_t count_max, std::string_view field) {
  if (count > count_max) fail(field, "has more than " + std::to_string(count_max) + " elements");
  return !failed();
}

bool FieldReader::spend(std::size_t bytes, std::string_view field) {
  if (bytes > budget_) fail(field, "makes the message decode to more than its limit");
  if (!failed()) budget_ -= bytes;
  return !failed();
}

}  // namespace flame::wire
