// JSON text to values. Not the library's own reader of trees: that one compares each member with all before it, and
// forgets what a number looked like.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tools/flame/json_codec.hpp"

namespace flame::cli {
namespace {

constexpr std::size_t kDepthMax = 512;
/// Digits of the longest whole number of 64 bits.
constexpr std::size_t kWholeDigitsMax = 20;

/// Reads a text and tells others how far it has come.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

/// A number that is written with a fraction or an exponent, taken apart.
struct Decimal {
  bool negative = false;
  std::string digits;  ///< without zeros in front and at the end
  std::int64_t exponent = 0;

  explicit Decimal(std::string_view text);
  [[nodiscard]] bool zero() const { return digits.empty(); }
  /// The same as a number of at most 64 bits, if that is what it is.
  [[nodiscard]] std::optional<Json> whole() const;
};

Decimal::Decimal(std::string_view text) {
  negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto power = text.find_first_of("eE");
  if (power != std::string_view::npos) {
    auto number = text.substr(power + 1);
    if (number.starts_with('+')) number.remove_prefix(1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), exponent);
    // Far away from all that is whole and fits, and from overflow when digits are counted.
    constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max() / 2;
    if (error != std::errc() || exponent > kFar || exponent < -kFar) exponent = number[0] == '-' ? -kFar : kFar;
  }
  for (const char c : text.substr(0, power)) {
    if (c != '.') digits += c;
  }
  const auto point = text.substr(0, power).find('.');
  if (point != std::string_view::npos) exponent -= static_cast<std::int64_t>(text.substr(0, power).size() - point - 1);
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++exponent;
  }
  digits.erase(0, digits.find_first_not_of('0'));
}

std::optional<Json> Decimal::whole() const {
  if (zero()) return negative ? std::nullopt : std::optional<Json>(0U);  // only a float knows the zero below zero
  if (exponent < 0 || digits.size() + static_cast<std::uint64_t>(exponent) > kWholeDigitsMax) return std::nullopt;
  const std::string text = (negative ? "-" : "") + digits + std::string(static_cast<std::size_t>(exponent), '0');
  const auto read = [&](auto value) -> std::optional<Json> {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::optional<Json>(value) : std::nullopt;
  };
  return negative ? read(std::int64_t{}) : read(std::uint64_t{});
}

/// Builds the tree from what the library's lexer finds.
class Builder {
 public:
  Builder(std::string_view text, const char* const& seen) : text_(text), seen_(seen) {}

  Json take() { return std::move(root_); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

  bool null() { return put(Json()); }
  bool boolean(bool value) { return put(value); }
  bool number_unsigned(std::uint64_t value) { return put(value); }
  // "-0" is the only zero that comes here.
  bool number_integer(std::int64_t value) { return value == 0 ? put(-0.0) : put(value); }
  bool number_float(double value, const std::string& text);
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // JSON text has none
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool key(std::string& name);
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error);
  bool refuse(const std::string& what) {
    problem_ = what + " " + place();
    return false;
  }

 private:
  struct Level {
    Json value;
    std::string key;                        // of the object: the member that comes next
    std::unordered_set<std::string> names;  // of the object
  };

  bool open(Json container);
  bool close();
  bool put(Json value);
  [[nodiscard]] std::string place() const;

  std::string_view text_;
  const char* const& seen_;
  std::vector<Level> levels_;
  Json root_;
  std::string problem_;
};

std::string Builder::place() const {
  const auto before = text_.substr(0, static_cast<std::size_t>(seen_ - text_.data()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto column = before.size() - (before.rfind('\n') + 1);  // npos + 1 is 0
  std::string path;
  for (const Level& level : levels_) {
    if (level.value.is_array()) path += "[" + std::to_string(level.value.size()) + "]";
    if (level.value.is_object()) path += (path.empty() ? "" : ".") + level.key;
  }
  return "at line " + std::to_string(line) + ", column " + std::to_string(column) +
         (path.empty() ? "" : " (" + path + ")");
}

bool Builder::number_float(double value, const std::string& text) {
  const Decimal exact(text);
  if (auto whole = exact.whole()) return put(std::move(*whole));
  if (value == 0 && !exact.zero()) return refuse("the number " + text + " is too small: a double has only 0 for it,");
  return put(value);
}

bool Builder::key(std::string& name) {
  Level& level = levels_.back();
  level.key = name;
  if (!level.names.insert(std::move(name)).second) return refuse("the member \"" + level.key + "\" is there twice,");
  return true;
}

bool Builder::open(Json container) {
  if (levels_.size() == kDepthMax) {
    return refuse("the JSON is nested deeper than " + std::to_string(kDepthMax) + " levels");
  }
  levels_.push_back({std::move(container), {}, {}});
  return true;
}

bool Builder::close() {
  Json value = std::move(levels_.back().value);
  levels_.pop_back();
  return put(std::move(value));
}

bool Builder::put(Json value) {
  if (levels_.empty()) {
    root_ = std::move(value);
    return true;
  }
  Level& level = levels_.back();
  level.value.is_array() ? level.value.push_back(std::move(value))
                         : append_member(level.value, level.key, std::move(value));
  return true;
}

bool Builder::parse_error(std::size_t, const std::string& token, const Json::exception& error) {
  if (dynamic_cast<const Json::out_of_range*>(&error) != nullptr) {
    return refuse("the number " + token + " is larger than every double,");
  }
  std::string what = error.what();
  // "[json.exception.parse_error.101] parse error at line 1, column 5: …": the part for people.
  if (const auto end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
  problem_ = "no valid JSON: " + what;
  return false;
}

}  // namespace

void append_member(Json& object, const std::string& name, Json value) {
  object.get_ref<Json::object_t&>().emplace_back(name, std::move(value));
}

Result<Json> parse_json(std::string_view text) {
  const char* seen = text.data();
  const char* const end = text.data() + text.size();
  Builder builder(text, seen);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {  // the reader takes it for the text's end
    seen += nul + 1;
    builder.refuse("no valid JSON: there is a NUL byte");
  } else if (Json::sax_parse(Cursor(text.data(), &seen), Cursor(end, &seen), &builder)) {
    return builder.take();
  }
  return Error{.code = ErrorCode::invalid_argument, .message = builder.problem() + "."};
}

}  // namespace flame::cli
