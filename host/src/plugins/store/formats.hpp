// What the small files of the store say: values, and the lines of text that they are kept as. Pure.
//
//   flame-builds 1                              the kind, and the version of its format
//   0123…cdef 1767225600 /home/me/video.so      a row: words, in which %20 is a space
//   end                                         a file without it has lost its end
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

namespace flame::store {

/// One installed file of a version. Times are seconds since 1970, UTC.
struct Build {
  std::string digest;  ///< 64 lower-case hex digits
  std::int64_t installed = 0;
  std::string source;  ///< the file that was installed

  friend bool operator==(const Build&, const Build&) = default;
};

/// Where a record holds: everywhere (both empty), on hosts of a name, in one pool of those.
struct Scope {
  std::string host;
  std::string pool;  ///< empty if `host` is

  [[nodiscard]] bool holds_for(std::string_view a_host, std::string_view a_pool) const noexcept;
  /// Holds in fewer places than `other`, and only in such.
  [[nodiscard]] bool is_narrower_than(const Scope& other) const noexcept;
  /// "*", "web-1" or "web-1/ffmpeg", for people.
  [[nodiscard]] std::string to_string() const;

  // A false finding of clang-tidy 14.
  friend auto operator<=>(const Scope&, const Scope&) = default;  // NOLINT(modernize-use-nullptr)
};

/// What is active in a scope, and what was before it. `previous` is empty if nothing was.
struct Record {
  Scope scope;
  std::string digest;
  std::string previous;

  friend bool operator==(const Record&, const Record&) = default;
};

/// A digest that no line takes unless it is forced to.
struct Refusal {
  std::string reason;
  std::string host;  ///< whose verdict it is; empty: a person's
  std::int64_t time = 0;

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// A running host and the digests that it uses.
struct HostUse {
  std::string name;
  std::int64_t pid = 0;
  std::vector<std::string> digests;

  friend bool operator==(const HostUse&, const HostUse&) = default;
};

// print() gives what the parser of the same type takes, and each parser takes nothing else: it prints what it has read,
// and compares. Errors of all parsers: invalid_argument, "is damaged: …", which lacks the file's name and the remedy;
// incompatible for a later version of the format. Bounds: limits::kStoreFileMax, kStoreRowsMax and kStoreTextMax. What
// is printed may exceed the first; who writes it looks at that. [any thread]

/// refs/NAME/VERSION: the newest first, at least one, no digest twice.
[[nodiscard]] std::string print(const std::vector<Build>& builds);
[[nodiscard]] Result<std::vector<Build>> parse_builds(std::string_view text);

/// active/PLUGIN: in ascending order of their scopes, no scope twice.
[[nodiscard]] std::string print(const std::vector<Record>& records);
[[nodiscard]] Result<std::vector<Record>> parse_records(std::string_view text);

/// refused/DIGEST.
[[nodiscard]] std::string print(const Refusal& refusal);
[[nodiscard]] Result<Refusal> parse_refusal(std::string_view text);

/// hosts/ID: its digests in ascending order, none twice.
[[nodiscard]] std::string print(const HostUse& host);
[[nodiscard]] Result<HostUse> parse_host(std::string_view text);

/// The first limits::kStoreTextMax bytes of it.
[[nodiscard]] std::string cut(std::string_view text);

}  // namespace flame::store
