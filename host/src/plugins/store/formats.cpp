// Rows of words, and what each kind of file makes of them.
#include "host/src/plugins/store/formats.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <span>
#include <utility>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::store {
namespace {

using Row = std::vector<std::string>;  // as they stand in the file
using Rows = std::vector<Row>;

constexpr std::string_view kEnd = "end\n";
constexpr std::string_view kNothing = "-";
constexpr std::string_view kEverywhere = "*";

Error damaged(const std::string& why) {
  return base::make_error(ErrorCode::invalid_argument, "is damaged: " + why);
}

std::string header(std::string_view kind) {
  return "flame-" + std::string(kind) + " 1\n";
}

// A word of any text. Those that mean something else are written by their codes, and so is each byte in `also`.
std::string word(std::string_view text, std::string_view also = "") {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  if (text.empty()) return std::string(kNothing);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte > ' ' && byte < 0x7f && c != '%' && c != '*' && also.find(c) == std::string_view::npos;
    if (plain && text != kNothing) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

// Of a word; what is none gives some text, which is no longer that word when it is written again.
std::string text_of(std::string_view word) {
  if (word == kNothing) return {};
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    unsigned value = 0;
    const char* const first = word.data() + i + 1;
    if (word[i] == '%' && i + 2 < word.size() && std::from_chars(first, first + 2, value, 16).ptr == first + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += word[i];
    }
  }
  return out;
}

// 0 of what is no number: that does not come out as it went in.
std::int64_t number_of(std::string_view word) {
  std::int64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

std::string lines(std::string_view kind, const Rows& rows) {
  std::string text = header(kind);
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : " ") + row[i];
    text += '\n';
  }
  return text + std::string(kEnd);
}

Row split(std::string_view line) {
  Row row;
  for (;;) {
    const auto space = line.find(' ');
    row.emplace_back(line.substr(0, space));
    if (space == std::string_view::npos) return row;
    line.remove_prefix(space + 1);
  }
}

Result<Rows> rows_of(std::string_view kind, std::string_view text) {
  const std::string first = header(kind);
  const std::string_view any_version(first.data(), first.size() - 2);
  if (text.size() > limits::kStoreFileMax) return damaged("it is larger than 1 MiB");
  if (!text.starts_with(any_version)) return damaged("it does not begin with \"" + std::string(any_version) + "\"");
  if (!text.starts_with(first)) {
    return base::make_error(ErrorCode::incompatible, "is of a later version of flame; use that one");
  }
  text.remove_prefix(first.size());
  if (!text.ends_with(kEnd)) return damaged("its end is missing");
  text.remove_suffix(kEnd.size());
  Rows rows;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return damaged("its end is missing");
    if (rows.size() == limits::kStoreRowsMax) return damaged("it has too many lines");
    rows.push_back(split(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  return rows;
}

// One comparison finds what is not canonical in any word: wrong codes, numbers with zeros before them, and so on.
template <typename Value>
Result<Value> checked(Value value, std::string_view text) {
  if (print(value) != text) return damaged("it says something that is never written");
  return value;
}

bool has_length(std::string_view text) {
  return text.size() <= limits::kStoreTextMax;
}

template <typename Range, typename Less>
bool ascends(const Range& range, Less less) {
  return std::ranges::adjacent_find(range, [&](const auto& a, const auto& b) { return !less(a, b); }) == range.end();
}

std::string scope_word(const Scope& scope) {
  if (scope.host.empty()) return std::string(kEverywhere);
  const std::string host = word(scope.host, "/");
  return scope.pool.empty() ? host : host + "/" + word(scope.pool, "/");
}

Scope scope_of(std::string_view word) {
  if (word == kEverywhere) return {};
  const auto slash = word.find('/');
  if (slash == std::string_view::npos) return {text_of(word), {}};
  return {text_of(word.substr(0, slash)), text_of(word.substr(slash + 1))};
}

bool is_good(const Record& record) {
  return base::Digest::is_hex(record.digest) && (record.previous.empty() || base::Digest::is_hex(record.previous)) &&
         has_length(record.scope.host) && has_length(record.scope.pool);
}

bool has_twice(const std::vector<Build>& builds) {
  std::vector<std::string_view> digests;
  for (const Build& build : builds) digests.push_back(build.digest);
  std::ranges::sort(digests);
  return std::ranges::adjacent_find(digests) != digests.end();
}

}  // namespace

bool Scope::holds_for(std::string_view a_host, std::string_view a_pool) const noexcept {
  return (host.empty() || host == a_host) && (pool.empty() || pool == a_pool);
}

bool Scope::is_narrower_than(const Scope& other) const noexcept {
  return *this != other && other.holds_for(host, pool);
}

std::string Scope::to_string() const {
  if (host.empty()) return std::string(kEverywhere);
  return pool.empty() ? host : host + "/" + pool;
}

std::string print(const std::vector<Build>& builds) {
  Rows rows;
  for (const Build& build : builds) rows.push_back({build.digest, std::to_string(build.installed), word(build.source)});
  return lines("builds", rows);
}

Result<std::vector<Build>> parse_builds(std::string_view text) {
  auto rows = rows_of("builds", text);
  if (!rows) return rows.error();
  std::vector<Build> builds;
  for (const Row& row : *rows) {
    if (row.size() != 3) return damaged("a line has not three words");
    builds.push_back({row[0], number_of(row[1]), text_of(row[2])});
    if (!base::Digest::is_hex(row[0]) || !has_length(builds.back().source)) return damaged("a line names no build");
  }
  if (builds.empty() || has_twice(builds)) return damaged("it names no build, or one twice");
  return checked(std::move(builds), text);
}

std::string print(const std::vector<Record>& records) {
  Rows rows;
  for (const Record& record : records) rows.push_back({scope_word(record.scope), record.digest, word(record.previous)});
  return lines("records", rows);
}

Result<std::vector<Record>> parse_records(std::string_view text) {
  auto rows = rows_of("records", text);
  if (!rows) return rows.error();
  std::vector<Record> records;
  for (const Row& row : *rows) {
    if (row.size() != 3) return damaged("a line has not three words");
    records.push_back({scope_of(row[0]), row[1], text_of(row[2])});
    if (!is_good(records.back())) return damaged("a line is no record");
  }
  if (!ascends(records, [](const Record& a, const Record& b) { return a.scope < b.scope; })) {
    return damaged("its lines are not in order");
  }
  return checked(std::move(records), text);
}

std::string print(const Refusal& refusal) {
  return lines("refusal", {{std::to_string(refusal.time), word(refusal.host), word(refusal.reason)}});
}

Result<Refusal> parse_refusal(std::string_view text) {
  auto rows = rows_of("refusal", text);
  if (!rows) return rows.error();
  if (rows->size() != 1 || rows->front().size() != 3) return damaged("it has not one line of three words");
  const Row& row = rows->front();
  Refusal refusal{text_of(row[2]), text_of(row[1]), number_of(row[0])};
  if (!has_length(refusal.reason) || !has_length(refusal.host)) return damaged("its line is too long");
  return checked(std::move(refusal), text);
}

std::string print(const HostUse& host) {
  Rows rows = {{word(host.name), std::to_string(host.pid)}};
  for (const std::string& digest : host.digests) rows.push_back({digest});
  return lines("host", rows);
}

Result<HostUse> parse_host(std::string_view text) {
  auto rows = rows_of("host", text);
  if (!rows) return rows.error();
  if (rows->empty() || rows->front().size() != 2) return damaged("its first line has not two words");
  HostUse host{text_of(rows->front()[0]), number_of(rows->front()[1]), {}};
  if (!has_length(host.name)) return damaged("its name is too long");
  for (const Row& row : std::span(*rows).subspan(1)) {
    if (row.size() != 1 || !base::Digest::is_hex(row[0])) return damaged("a line is no digest");
    host.digests.push_back(row[0]);
  }
  if (!ascends(host.digests, std::less<>())) return damaged("its digests are not in order");
  return checked(std::move(host), text);
}

std::string cut(std::string_view text) {
  return std::string(text.substr(0, limits::kStoreTextMax));
}

}  // namespace flame::store
