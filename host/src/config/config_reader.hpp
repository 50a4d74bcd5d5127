// Reads one TOML table key by key, collects every problem with its place, and knows which keys exist.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include <flame/config.hpp>

namespace flame::pool {

/// What all tables of one file share.
class ConfigReport {
 public:
  explicit ConfigReport(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] Location locate(const toml::source_region& source) const;
  void add(const toml::source_region& source, std::string what);
  /// Remembers where the option `path` stands.
  void place(const std::string& path, const toml::source_region& source);
  /// Adds a problem at the place of `path`, or of the nearest table around it.
  void add_at(const std::string& path, const std::string& what);

  /// All that was placed.
  [[nodiscard]] const std::map<std::string, Location>& places() const noexcept { return places_; }

  [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }
  /// All problems in the order of the file, one per line.
  [[nodiscard]] Error error() const;

 private:
  std::string file_;
  std::map<std::string, Location> places_;
  std::vector<std::pair<Location, std::string>> problems_;
};

/// One table. Every read_* leaves `out` alone when the key is missing or wrong (then it is reported).
class ConfigTable {
 public:
  /// `path`: "pools.ffmpeg"; empty for the whole file. All arguments outlive this.
  ConfigTable(const toml::table& table, std::string path, ConfigReport& report)
      : table_(table), path_(std::move(path)), report_(report) {}

  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, std::uint32_t& out);
  void read(std::string_view key, std::uint64_t& out);
  void read(std::string_view key, std::vector<std::string>& out);
  void read(std::string_view key, std::map<std::string, std::string>& out);
  /// An array of strings, or one of them by itself.
  void read_names(std::string_view key, std::vector<std::string>& out);
  void read_duration(std::string_view key, Duration& out);
  void read_size(std::string_view key, std::uint64_t& out);
  /// The enumerator whose number is the text's index in `names`.
  template <class Enum>
  void read_choice(std::string_view key, const std::vector<std::string>& names, Enum& out) {
    if (const auto index = choice(key, names)) out = static_cast<Enum>(*index);
  }
  /// The table under `key`, or null.
  [[nodiscard]] const toml::table* table(std::string_view key);

  /// Reports the keys that nobody asked for, with the nearest one that exists.
  void refuse_the_rest();

  [[nodiscard]] const toml::table& raw() const noexcept { return table_; }
  [[nodiscard]] std::string path_of(std::string_view key) const;

 private:
  const toml::node* find(std::string_view key);
  template <class Value, class Out>
  void read_value(std::string_view key, const char* expected, Out& out);
  template <class Out>
  void read_with_unit(std::string_view key, const char* expected, Result<Out> (*parse)(std::string_view), Out& out);
  std::optional<std::size_t> choice(std::string_view key, const std::vector<std::string>& names);
  void wrong(const toml::node& node, std::string_view key, const std::string& expected);

  const toml::table& table_;
  std::string path_;
  ConfigReport& report_;
  std::vector<std::string> known_;
};

/// "the integer 30", "the string \"x\"", "a table": a value as an error message shows it, cut when it is long.
[[nodiscard]] std::string describe(const toml::node& node);

}  // namespace flame::pool
