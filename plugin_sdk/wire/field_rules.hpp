// To which bound each field of wire.fbs and parent.fbs is held: by its type, by its name, or by an exception below.
#pragma once

#include <parent_generated.h>
#include <wire_generated.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "plugin_sdk/base/limits.hpp"

namespace flame::wire {

enum class Form : std::uint8_t { text, digest, key };

struct FieldRule {
  std::size_t bytes_max = limits::kTextMax;  // of a text, and of each text of a list
  std::size_t count_max = limits::kListMax;
  Form form = Form::text;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();    // of signed numbers
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();  // of unsigned numbers
};

[[nodiscard]] constexpr FieldRule rule_by_name(std::string_view field) {
  for (const std::string_view name : {"name", "version", "type", "key", "runner", "pool", "host_name", "backend"}) {
    if (field == name) return {.bytes_max = limits::kNameMax};
  }
  if (field == "digest") return {.bytes_max = 64, .form = Form::digest};     // receivers make file names of it
  if (field.ends_with("_key")) return {.bytes_max = 40, .form = Form::key};  // Z85 of 32 bytes
  if (field.ends_with("_ns")) return {.min = -1};                            // what remains; -1: for ever
  return {};
}

template <typename Table, typename Table::FlatBuffersVTableOffset Field>
inline constexpr FieldRule kRule = rule_by_name(Table::Traits::field_names[(Field - 4) / 2]);

template <>
inline constexpr FieldRule kRule<fb::Error, fb::Error::VT_WHERE>{.bytes_max = limits::kWhereTextMax,
                                                                 .count_max = limits::kWhereMax};
template <>
inline constexpr FieldRule kRule<fb::Error, fb::Error::VT_LOG_TAIL>{.bytes_max = limits::kLogTailMax};
template <>
inline constexpr FieldRule kRule<fb::Error, fb::Error::VT_PLUGIN>{.bytes_max = limits::kPluginIdMax};
template <fb::Usage::FlatBuffersVTableOffset Field>
inline constexpr FieldRule kRule<fb::Usage, Field>{};  // measured, not asked for
template <>
inline constexpr FieldRule kRule<fb::PayloadInfo, fb::PayloadInfo::VT_PARTS>{.count_max = 1 + limits::kAttachmentsMax};
template <>
inline constexpr FieldRule kRule<fb::PayloadInfo, fb::PayloadInfo::VT_RESOURCES>{.count_max = limits::kAttachmentsMax};
template <>
inline constexpr FieldRule kRule<fb::Release, fb::Release::VT_OBJECTS>{.count_max = limits::kAttachmentsMax};
template <>
inline constexpr FieldRule kRule<fb::Welcome, fb::Welcome::VT_SLOTS>{.max = limits::kMaxConcurrencyCeiling};
template <>
inline constexpr FieldRule kRule<fb::Welcome, fb::Welcome::VT_PAYLOAD_MAX>{.max = limits::kPayloadMaxCeiling};
template <>
inline constexpr FieldRule kRule<fb::Load, fb::Load::VT_DIRECTORY>{.bytes_max = limits::kPathMax};
template <>
inline constexpr FieldRule kRule<fb::Parent, fb::Parent::VT_CONTROL>{.bytes_max = limits::kEndpointMax,
                                                                     .count_max = limits::kEndpointsMax};
template <>
inline constexpr FieldRule kRule<fb::Parent, fb::Parent::VT_BULK>{.bytes_max = limits::kEndpointMax,
                                                                  .count_max = limits::kEndpointsMax};

template <>
inline constexpr FieldRule kRule<fb::Parent, fb::Parent::VT_SECRETS>{.count_max = limits::kTaskSecretsMax};

/// What a table says against itself although each of its fields is good; empty if nothing.
template <typename Table>
[[nodiscard]] std::string_view contradiction([[maybe_unused]] const Table& table) {
  if constexpr (std::same_as<Table, fb::Result>) {
    const bool failed = table.error() != nullptr && table.error()->code() != fb::ErrorCode::none;
    if (table.ok() == failed) return "the field \"result.error\" contradicts result.ok";
  } else if constexpr (std::same_as<Table, fb::Parent>) {
    const auto size = [](const auto* list) { return list == nullptr ? 0 : list->size(); };
    if (size(table.control()) != size(table.bulk()))
      return "the field \"parent.bulk\" is not as long as parent.control";
  }
  return {};
}

/// What is brought into its range instead of being refused.
inline void amend(const auto&) {}
inline void amend(fb::ProgressT& progress) {
  progress.fraction = std::isnan(progress.fraction) ? 0 : std::clamp(progress.fraction, 0.0, 1.0);
}

}  // namespace flame::wire
