// ConfigTable and ConfigReport.
#include "host/src/config/config_reader.hpp"

#include <algorithm>
#include <sstream>
#include <tuple>
#include <type_traits>

#include "host/src/config/config_place.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/base/units.hpp"

namespace flame::pool {

namespace {

// A piece of the user's file in a message: cut when it is long, on one line, whole UTF-8 characters.
std::string shown(std::string text) {
  constexpr std::size_t kShown = 60;
  if (text.size() > kShown) {
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end) + "…";
  }
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

}  // namespace

std::string describe(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  if (const auto* text = node.as_string()) return "the string \"" + shown(text->get()) + "\"";
  std::string kind = "the value ";
  if (node.is_integer()) kind = "the integer ";
  if (node.is_floating_point()) kind = "the number ";
  if (node.is_boolean()) kind = "the boolean ";
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return kind + shown(text.str());
}

Location ConfigReport::locate(const toml::source_region& source) const {
  return {file_, source.begin.line, source.begin.column};
}

void ConfigReport::add(const toml::source_region& source, std::string what) {
  problems_.emplace_back(locate(source), std::move(what));
}

void ConfigReport::place(const std::string& path, const toml::source_region& source) {
  places_.insert_or_assign(path, locate(source));
}

void ConfigReport::add_at(const std::string& path, const std::string& what) {
  const Location place = nearest(places_, path);
  problems_.emplace_back(place.line == 0 ? Location{file_, 1, 1} : place, path + " " + what);
}

Error ConfigReport::error() const {
  auto sorted = problems_;
  std::ranges::stable_sort(sorted, {},
                           [](const auto& problem) { return std::tuple(problem.first.line, problem.first.column); });
  std::string lines;
  for (const auto& [where, what] : sorted) lines += (lines.empty() ? "" : "\n") + where.to_string() + ": " + what;
  return base::make_error(ErrorCode::invalid_argument, std::move(lines));
}

template <class Value, class Out>
void ConfigTable::read_value(std::string_view key, const char* expected, Out& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* value = node->as<Value>();
  if constexpr (std::is_same_v<Value, std::int64_t>) {
    if (value && !std::in_range<Out>(value->get())) value = nullptr;
  }
  if (value)
    out = static_cast<Out>(value->get());
  else
    wrong(*node, key, expected);
}

void ConfigTable::read(std::string_view key, std::string& out) {
  read_value<std::string>(key, "a string", out);
}

void ConfigTable::read(std::string_view key, bool& out) {
  read_value<bool>(key, "true or false", out);
}

void ConfigTable::read(std::string_view key, std::uint32_t& out) {
  read_value<std::int64_t>(key, "a whole number from 0 to 4294967295", out);
}

void ConfigTable::read(std::string_view key, std::uint64_t& out) {
  read_value<std::int64_t>(key, "a whole number from 0 upwards", out);
}

void ConfigTable::read(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* list = node->as_array();
  if (!list) return wrong(*node, key, "an array of strings");
  std::vector<std::string> texts;
  for (const toml::node& element : *list) {
    if (!element.is_string()) return wrong(element, key, "an array of strings");
    report_.place(path_of(key) + "[" + std::to_string(texts.size()) + "]", element.source());
    texts.push_back(element.as_string()->get());
  }
  out = std::move(texts);
}

void ConfigTable::read_names(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = table_.get(key);
  if (!node || node->is_array()) return read(key, out);
  std::string name;
  read_value<std::string>(key, "a string or an array of strings", name);
  if (node->is_string()) out = {std::move(name)};
}

void ConfigTable::read(std::string_view key, std::map<std::string, std::string>& out) {
  const toml::table* entries = table(key);
  if (!entries) return;
  for (const auto& [name, value] : *entries) {
    const std::string path = path_of(key) + "." + std::string(name.str());
    report_.place(path, value.source());
    if (const auto* text = value.as_string())
      out.insert_or_assign(std::string(name.str()), text->get());
    else
      report_.add(value.source(), path + " must be a string, not " + describe(value));
  }
}

template <class Out>
void ConfigTable::read_with_unit(std::string_view key, const char* expected, Result<Out> (*parse)(std::string_view),
                                 Out& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_string()) return wrong(*node, key, expected);
  const auto parsed = parse(node->as_string()->get());
  if (parsed)
    out = *parsed;
  else
    report_.add(node->source(), path_of(key) + ": " + parsed.error().message);
}

void ConfigTable::read_duration(std::string_view key, Duration& out) {
  read_with_unit(key, "a duration with its unit, such as \"30s\"", &base::parse_duration, out);
}

void ConfigTable::read_size(std::string_view key, std::uint64_t& out) {
  read_with_unit(key, "a size with its unit, such as \"1GiB\"", &base::parse_size, out);
}

std::optional<std::size_t> ConfigTable::choice(std::string_view key, const std::vector<std::string>& names) {
  const toml::node* node = find(key);
  if (!node) return std::nullopt;
  std::string expected;
  for (const std::string& name : names) expected += (expected.empty() ? "\"" : " or \"") + name + "\"";
  const auto* text = node->as_string();
  const auto found = text ? std::ranges::find(names, text->get()) : names.end();
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  if (text)
    report_.add(node->source(), path_of(key) + " must be " + expected + ", not \"" + shown(text->get()) + "\"" +
                                    base::did_you_mean(text->get(), names));
  else
    wrong(*node, key, expected);
  return std::nullopt;
}

const toml::table* ConfigTable::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node && !node->is_table()) wrong(*node, key, "a table");
  return node ? node->as_table() : nullptr;
}

void ConfigTable::refuse_the_rest() {
  for (const auto& [key, value] : table_) {
    const std::string name(key.str());
    if (std::ranges::find(known_, name) != known_.end()) continue;
    std::string hint = base::did_you_mean(name, known_);
    if (hint.empty()) {
      hint = "; valid keys:";
      for (const std::string& valid : known_) hint += (hint.ends_with(':') ? " " : ", ") + valid;
    }
    const std::string place = path_.empty() ? "at the top level" : "in [" + path_ + "]";
    report_.add(key.source(), "unknown key \"" + name + "\" " + place + hint);
  }
}

std::string ConfigTable::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const toml::node* ConfigTable::find(std::string_view key) {
  known_.emplace_back(key);
  const toml::node* node = table_.get(key);
  if (node) report_.place(path_of(key), node->source());
  return node;
}

void ConfigTable::wrong(const toml::node& node, std::string_view key, const std::string& expected) {
  report_.add(node.source(), path_of(key) + " must be " + expected + ", not " + describe(node));
}

}  // namespace flame::pool
