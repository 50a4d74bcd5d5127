// ConfigTable and ConfigReport.
#include "host/src/config/config_reader.hpp"

#include <algorithm>
#include <limits>
#include <sstream>
#include <tuple>

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

void ConfigReport::add_at(std::string path, const std::string& what) {
  const std::string full = path;
  while (!places_.contains(path)) {
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos) break;
    path.resize(dot);
  }
  auto place = places_.find(path);
  problems_.emplace_back(place == places_.end() ? Location{file_, 1, 1} : place->second, full + " " + what);
}

Error ConfigReport::error() const {
  auto sorted = problems_;
  std::ranges::stable_sort(sorted, {},
                           [](const auto& problem) { return std::tuple(problem.first.line, problem.first.column); });
  std::string lines;
  for (const auto& [where, what] : sorted) lines += (lines.empty() ? "" : "\n") + where.to_string() + ": " + what;
  return base::make_error(ErrorCode::invalid_argument, std::move(lines));
}

void ConfigTable::read(std::string_view key, std::string& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto* text = node->as_string())
    out = text->get();
  else
    wrong(*node, key, "a string");
}

void ConfigTable::read(std::string_view key, bool& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto* flag = node->as_boolean())
    out = flag->get();
  else
    wrong(*node, key, "true or false");
}

void ConfigTable::read(std::string_view key, std::uint32_t& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* number = node->as_integer();
  if (number && number->get() >= 0 && number->get() <= std::numeric_limits<std::uint32_t>::max())
    out = static_cast<std::uint32_t>(number->get());
  else
    wrong(*node, key, "a whole number from 0 to 4294967295");
}

void ConfigTable::read(std::string_view key, std::uint64_t& out) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* number = node->as_integer();
  if (number && number->get() >= 0)
    out = static_cast<std::uint64_t>(number->get());
  else
    wrong(*node, key, "a whole number from 0 upwards");
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

void ConfigTable::read_duration(std::string_view key, Duration& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_string()) return wrong(*node, key, "a duration with its unit, such as \"30s\"");
  const auto parsed = base::parse_duration(node->as_string()->get());
  if (parsed)
    out = *parsed;
  else
    report_.add(node->source(), path_of(key) + ": " + parsed.error().message);
}

void ConfigTable::read_size(std::string_view key, std::uint64_t& out) {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_string()) return wrong(*node, key, "a size with its unit, such as \"1GiB\"");
  const auto parsed = base::parse_size(node->as_string()->get());
  if (parsed)
    out = *parsed;
  else
    report_.add(node->source(), path_of(key) + ": " + parsed.error().message);
}

void ConfigTable::read_choice(std::string_view key, const std::vector<std::string>& names, std::size_t& out) {
  const toml::node* node = find(key);
  if (!node) return;
  std::string expected;
  for (const std::string& name : names) expected += (expected.empty() ? "\"" : " or \"") + name + "\"";
  const auto* text = node->as_string();
  if (!text) return wrong(*node, key, expected);
  const auto found = std::ranges::find(names, text->get());
  if (found == names.end())
    report_.add(node->source(), path_of(key) + " must be " + expected + ", not \"" + shown(text->get()) + "\"" +
                                    base::did_you_mean(text->get(), names));
  else
    out = static_cast<std::size_t>(found - names.begin());
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
