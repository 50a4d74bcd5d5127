// What FLAME_PLUGIN's body collects at compile time: one entry per task, child factory and method, without duplicates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <flame_abi.h>
#include <flame/options.hpp>

namespace flame::detail {

/// One row of the plugin's table and of its manifest. Every pointer and view refers to static storage.
struct PluginEntry {
  const char* name = nullptr;
  std::string_view schema;
  std::uint64_t fingerprint = 0;
  std::uint32_t flags = 0;
  const flame_object_type* object = nullptr;
  std::string_view object_name;
  flame_status (*invoke)(flame_call*) = nullptr;
  TaskOptions options;
};

/// A growing list that lives within one constant expression. (std::vector is not usable there with every compiler.)
class EntryList {
 public:
  constexpr EntryList() = default;
  constexpr ~EntryList() { delete[] entries_; }
  EntryList(const EntryList&) = delete;
  EntryList& operator=(const EntryList&) = delete;

  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr const PluginEntry& operator[](std::size_t index) const { return entries_[index]; }

  [[nodiscard]] constexpr bool contains(std::string_view name, std::uint64_t fingerprint) const {
    for (std::size_t i = 0; i < size_; ++i) {
      if (entries_[i].fingerprint == fingerprint && entries_[i].name == name) return true;
    }
    return false;
  }

  constexpr void add(const PluginEntry& entry) {
    if (size_ == capacity_) grow();
    entries_[size_++] = entry;
  }

 private:
  constexpr void grow() {
    const std::size_t capacity = capacity_ == 0 ? 16 : capacity_ * 2;
    auto* const larger = new PluginEntry[capacity];
    for (std::size_t i = 0; i < size_; ++i) larger[i] = entries_[i];
    delete[] entries_;
    entries_ = larger;
    capacity_ = capacity;
  }

  PluginEntry* entries_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Takes one number without leading zeros off `text`.
constexpr bool take_version_number(std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const bool valid = digits == 1 || (digits > 1 && digits < 20 && text[0] != '0');
  text.remove_prefix(digits);
  return valid;
}

/// Takes dot-separated identifiers up to `end` (or the end of the text) off `text`.
constexpr bool take_version_identifiers(std::string_view& text, char end, bool leading_zero_allowed) {
  while (true) {
    std::size_t length = 0;
    bool digits_only = true;
    for (; length < text.size() && text[length] != '.' && text[length] != end; ++length) {
      const char c = text[length];
      const bool digit = c >= '0' && c <= '9';
      digits_only = digits_only && digit;
      if (!digit && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-') return false;
    }
    if (length == 0 || (length > 1 && digits_only && text[0] == '0' && !leading_zero_allowed)) return false;
    const bool more = length < text.size() && text[length] == '.';
    text.remove_prefix(more ? length + 1 : length);
    if (!more) return true;
  }
}

/// Whether `version` is a semantic version of at most 64 bytes.
constexpr bool is_semantic_version(std::string_view version) {
  const std::size_t size = version.size();
  for (int part = 0; part < 3; ++part) {
    if (part > 0) {
      if (version.empty() || version[0] != '.') return false;
      version.remove_prefix(1);
    }
    if (!take_version_number(version)) return false;
  }
  if (!version.empty() && version[0] == '-') {
    version.remove_prefix(1);
    if (!take_version_identifiers(version, '+', false)) return false;
  }
  if (!version.empty() && version[0] == '+') {
    version.remove_prefix(1);
    if (!take_version_identifiers(version, '\0', true)) return false;
  }
  return version.empty() && size <= 64;
}

/// Whether `name` may stand in a manifest: printable ASCII without quotes, at most FLAME_NAME_MAX bytes.
constexpr bool is_entry_name(std::string_view name) {
  if (name.empty() || name.size() > FLAME_NAME_MAX || name.front() == ' ' || name.back() == ' ') return false;
  for (const char c : name) {
    if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') return false;
  }
  return true;
}

}  // namespace flame::detail
