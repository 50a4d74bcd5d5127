// JSON to arguments: one walk along the JSON and the types together, into the SDK's encoder.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <tuple>
#include <utility>

#include <flame/detail/encoder.hpp>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/sdk/schema_types.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tools/flame/json_codec.hpp"
#include "tools/flame/json_schema.hpp"

namespace flame::cli {
namespace {

using detail::Kind;
using detail::Role;
using detail::TypeDesc;

constexpr std::size_t kQuotedMax = 60;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw CallError(Error{.code = ErrorCode::invalid_argument, .message = path + ": " + what + "."});
}

std::string quoted(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kQuotedMax) text = text.substr(0, kQuotedMax) + "…";
  return text;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

std::vector<const Json*> elements(const Json& list) {
  std::vector<const Json*> all;
  for (const Json& element : list) all.push_back(&element);
  return all;
}

bool is_negative(const Json& in) {
  return in.is_number_integer() && !in.is_number_unsigned() && in.get<std::int64_t>() < 0;
}

// A number that orders as the values do that have these bits.
std::uint64_t rank(std::uint64_t bits, Kind kind) {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
  double real = std::bit_cast<double>(bits);
  if (kind == Kind::float32) real = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (kind != Kind::float32 && kind != Kind::float64) return detail::is_signed_kind(kind) ? bits ^ kTop : bits;
  bits = std::bit_cast<std::uint64_t>(real + 0.0);  // one zero
  return (bits & kTop) != 0 ? ~bits : bits | kTop;
}

/// For one call.
class ArgumentWriter {
 public:
  detail::Payload write(const Json& given, const TypeDesc& call);

 private:
  /// One value per field of a table, null for those that were not given, and how messages name them.
  struct Members {
    std::vector<const Json*> values;
    Step::Kind steps = Step::Kind::member;
  };
  /// Of a map. Ordered as readers of the buffer search it: texts as bytes, numbers by their value.
  struct Entry {
    Step step;
    Members members;
    std::uint64_t rank = 0;
    std::string_view text = {};
    bool operator<(const Entry& other) const { return std::tie(rank, text) < std::tie(other.rank, other.text); }
  };

  void fields(std::size_t reference, const TypeDesc& table, const Members& members);
  void object(std::size_t reference, const Json& in, const TypeDesc& type);
  void vector(std::size_t reference, const Json& in, const TypeDesc& type);
  void map(std::size_t reference, const Json& in, const TypeDesc& entry);
  void put_map(std::size_t reference, std::vector<Entry> entries, const TypeDesc& entry);
  void find_order(Entry& entry, const detail::FieldDesc& key);
  Json key(const std::string& name, const TypeDesc& type);
  Members members(const Json& in, const TypeDesc& table);
  std::size_t member(const std::string& name, const TypeDesc& table);
  std::uint64_t bits(const Json& in, const TypeDesc& type);
  std::uint64_t real(const Json& in, Kind kind);
  std::uint64_t integer(const Json& in, Kind kind);
  std::uint64_t enumerator(const Json& in, const TypeDesc& type);
  const std::string& text(const Json& in);
  std::string bytes(const Json& in);
  [[noreturn]] void refuse(const std::string& what) const { cli::refuse(way_.text(), what); }

  Way way_;
  detail::Encoder out_{nullptr};
};

detail::Payload ArgumentWriter::write(const Json& given, const TypeDesc& call) {
  Members arguments{.values = {&given}, .steps = Step::Kind::argument};
  if (given.is_array()) arguments.values = elements(given);
  const std::size_t count = arguments.values.size();
  if (count != call.field_count) {
    const std::string takes = std::to_string(call.field_count) + (call.field_count == 1 ? " argument" : " arguments");
    const bool list_argument = given.is_array() && call.field_count == 1 && call.fields[0].type->kind == Kind::vector;
    cli::refuse("arguments", "the task takes " + takes + ", " + std::to_string(count) + " given" +
                                 (list_argument ? ": the outer array is the list of arguments, so write [[…]]" : ""));
  }
  fields(detail::Encoder::kRoot, call, arguments);
  return out_.finish();
}

// In two steps, as the encoder wants it: the table, then what it refers to.
void ArgumentWriter::fields(std::size_t reference, const TypeDesc& table, const Members& members) {
  const auto each_given = [&](const auto& write) {
    for (std::size_t i = 0; i < members.values.size(); ++i) {
      if (members.values[i] == nullptr || members.values[i]->is_null()) continue;
      way_.enter({.kind = members.steps, .name = table.fields[i].name, .index = i});
      write(i, *members.values[i], *table.fields[i].type);
      way_.leave();
    }
  };
  out_.begin_table();
  each_given([this](std::size_t i, const Json& in, const TypeDesc& type) {
    if (!is_inline(type.kind)) return out_.add_reference(i);
    out_.add_inline(i, bits(in, type), inline_size(type.kind));
  });
  const std::size_t written = out_.commit_table(reference);
  each_given([this, written](std::size_t i, const Json& in, const TypeDesc& type) {
    if (!is_inline(type.kind)) object(out_.reference_at(written, i), in, type);
  });
  out_.end_table();
}

void ArgumentWriter::object(std::size_t reference, const Json& in, const TypeDesc& type) {
  if (type.kind == Kind::table) return fields(reference, type, members(in, type));
  if (type.kind == Kind::string) return out_.put_string(reference, text(in));
  if (type.role == Role::nested && in.is_string()) {
    const std::string contents = bytes(in);
    return out_.put_nested(reference, contents.data(), contents.size());
  }
  const bool is_map = type.element->role == Role::entry;
  if (!in.is_array() && !(is_map && in.is_object())) refuse("expected a list, got " + quoted(in));
  is_map ? map(reference, in, *type.element) : vector(reference, in, *type.element);
}

void ArgumentWriter::vector(std::size_t reference, const Json& in, const TypeDesc& element) {
  const std::size_t size = inline_size(element.kind);
  std::size_t at = out_.put_vector(reference, in.size(), size);
  for (std::size_t i = 0; i < in.size(); ++i) {
    way_.enter(i);
    if (in[i].is_null() && element.kind != Kind::table) refuse("expected " + describe(element) + ", got null");
    is_inline(element.kind) ? out_.store(at, bits(in[i], element), size) : object(at, in[i], element);
    way_.leave();
    at += size;
  }
}

void ArgumentWriter::map(std::size_t reference, const Json& in, const TypeDesc& entry) {
  std::deque<Json> keys;  // of an object; the entries refer to them
  std::vector<Entry> entries;
  const auto add = [&](const Step& step, const auto& members) {
    Entry& made = entries.emplace_back();
    made.step = step;
    way_.enter(step);
    made.members = members();
    find_order(made, entry.fields[0]);
    way_.leave();
  };
  if (in.is_object()) {
    for (const auto& [name, value] : in.get_ref<const Json::object_t&>()) {
      add({.kind = Step::Kind::member, .name = name}, [&, &name = name, &value = value]() -> Members {
        return {{&keys.emplace_back(key(name, *entry.fields[0].type)), &value}, Step::Kind::none};
      });
    }
  }
  for (std::size_t i = 0; in.is_array() && i < in.size(); ++i) {
    add({.kind = Step::Kind::element, .index = i}, [&] { return members(in[i], entry); });
  }
  put_map(reference, std::move(entries), entry);
}

void ArgumentWriter::put_map(std::size_t reference, std::vector<Entry> entries, const TypeDesc& entry) {
  std::stable_sort(entries.begin(), entries.end());
  const auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                        [](const Entry& a, const Entry& b) { return !(a < b) && !(b < a); });
  if (twice != entries.end()) refuse("the key " + quoted(*twice->members.values[0]) + " is there twice");
  std::size_t at = out_.put_vector(reference, entries.size(), inline_size(Kind::table));
  for (const Entry& one : entries) {
    way_.enter(one.step);
    fields(at, entry, one.members);
    way_.leave();
    at += inline_size(Kind::table);
  }
}

Json ArgumentWriter::key(const std::string& name, const TypeDesc& type) {
  if (type.kind == Kind::string || type.role == Role::enumeration) return name;
  auto number = parse_json(name);
  if (!number) refuse("the keys of this map are numbers");
  return std::move(*number);
}

// A key that was not given reads as zero; texts must be given, because readers in other languages require them.
void ArgumentWriter::find_order(Entry& entry, const detail::FieldDesc& key) {
  static const Json kNone;
  const Json*& given = entry.members.values[0];
  if (given == nullptr) given = &kNone;
  const Kind kind = key.type->kind;
  way_.enter({.kind = entry.members.steps, .name = key.name});
  if (!is_inline(kind)) {
    entry.text = text(*given);
  } else {
    entry.rank = rank(given->is_null() ? default_bits(*key.type) : bits(*given, *key.type), kind);
  }
  way_.leave();
}

ArgumentWriter::Members ArgumentWriter::members(const Json& in, const TypeDesc& table) {
  if (is_wrapper(table) && !(in.is_object() && in.size() == 1 && in.contains("v"))) {
    return {.values = {&in}, .steps = Step::Kind::none};
  }
  if (in.is_array() && is_positional(table)) {
    if (in.size() != table.field_count) {
      refuse("expected " + std::to_string(table.field_count) + " elements, got " + std::to_string(in.size()));
    }
    return {.values = elements(in), .steps = Step::Kind::element};
  }
  if (!in.is_object()) refuse("expected an object, got " + quoted(in));
  if (table.role == Role::variant && in.size() != 1) {
    refuse("expected an object with exactly one of " + joined(member_names(table)) + ", got " + quoted(in));
  }
  Members members{.values = std::vector<const Json*>(table.field_count)};
  for (const auto& [name, value] : in.get_ref<const Json::object_t&>()) members.values[member(name, table)] = &value;
  return members;
}

std::size_t ArgumentWriter::member(const std::string& name, const TypeDesc& table) {
  for (std::size_t i = 0; i < table.field_count; ++i) {
    if (table.fields[i].name == name) return i;
  }
  const auto names = member_names(table);
  refuse("unknown member \"" + name + "\"" + base::did_you_mean(name, names) + " (members: " + joined(names) + ")");
}

std::uint64_t ArgumentWriter::bits(const Json& in, const TypeDesc& type) {
  if (type.role == Role::attachment) return out_.attach(Bytes(bytes(in)));
  if (type.role == Role::enumeration) return enumerator(in, type);
  if (type.role == Role::tracked) {
    refuse("a tracked resource exists only inside a C++ host and cannot be given as JSON");
  }
  if (type.kind == Kind::float32 || type.kind == Kind::float64) return real(in, type.kind);
  if (type.kind != Kind::boolean) return integer(in, type.kind);
  if (!in.is_boolean()) refuse("expected true or false, got " + quoted(in));
  return in.get<bool>() ? 1 : 0;
}

std::uint64_t ArgumentWriter::real(const Json& in, Kind kind) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const bool special = in == "nan" || in == "inf" || in == "-inf";
  if (!in.is_number() && !special) refuse("expected a number, got " + quoted(in));
  const double number = !special ? in.get<double>() : in == "nan" ? NAN : in == "inf" ? kInfinity : -kInfinity;
  if (kind == Kind::float64) return std::bit_cast<std::uint64_t>(number);
  // What rounds to more than the largest float would become infinite.
  constexpr double kHalfStepAbove = 0x1.ffffffp127;
  if (std::abs(number) >= kHalfStepAbove && !special) {
    refuse("expected a number that a float can hold, got " + quoted(in));
  }
  const auto narrow = static_cast<float>(number);
  if (narrow == 0 && number != 0) refuse(quoted(in) + " is too small: a float has only 0 for it");
  return std::bit_cast<std::uint32_t>(narrow);
}

std::uint64_t ArgumentWriter::integer(const Json& in, Kind kind) {
  const bool is_signed = detail::is_signed_kind(kind);
  const std::size_t unused = 64 - 8 * inline_size(kind);
  const std::uint64_t max = std::numeric_limits<std::uint64_t>::max() >> (unused + (is_signed ? 1 : 0));
  const std::int64_t min = is_signed ? -static_cast<std::int64_t>(max) - 1 : 0;
  if (is_negative(in) ? in.get<std::int64_t>() >= min : in.is_number_integer() && in.get<std::uint64_t>() <= max) {
    return in.get<std::uint64_t>();
  }
  if (in.is_number_float() && in.get<double>() == 0) return 0;  // "-0"
  refuse("expected a whole number from " + std::to_string(min) + " to " + std::to_string(max) + ", got " + quoted(in));
}

std::uint64_t ArgumentWriter::enumerator(const Json& in, const TypeDesc& type) {
  std::vector<std::string> names;
  for (const auto& [name, value] : std::span(type.values, type.value_count)) {
    const bool below_zero = detail::is_signed_kind(type.kind) && static_cast<std::int64_t>(value) < 0;
    const bool same = in.is_number_integer() && in.get<std::uint64_t>() == value && is_negative(in) == below_zero;
    if (same || (in.is_string() && in.get_ref<const std::string&>() == name)) return value;
    names.emplace_back(name);
  }
  const std::string hint = in.is_string() ? base::did_you_mean(in.get<std::string>(), names) : "";
  refuse("expected one of " + joined(names) + ", got " + quoted(in) + hint);
}

const std::string& ArgumentWriter::text(const Json& in) {
  if (!in.is_string()) refuse("expected a string, got " + quoted(in));
  return in.get_ref<const std::string&>();
}

std::string ArgumentWriter::bytes(const Json& in) {
  if (!in.is_string()) refuse("expected \"@path\", \"base64:…\" or text for bytes, got " + quoted(in));
  auto text = in.get<std::string>();
  if (text.starts_with("@")) {
    auto contents = base::read_file(text.substr(1), limits::kPayloadMaxCeiling);
    if (contents) return std::move(*contents);
    auto error = std::move(contents).error();
    error.message = way_.text() + ": " + error.message;
    throw CallError(std::move(error));
  }
  if (!text.starts_with("base64:")) return text;
  auto decoded = wire::from_base64(std::string_view(text).substr(7));
  if (!decoded) refuse("this is no valid base64");
  return std::move(*decoded);
}

}  // namespace

Result<detail::Payload> JsonCodec::encode(const Json& arguments) const {
  try {
    return ArgumentWriter().write(arguments, types_->call());
  } catch (const CallError& error) {
    return error.error();
  }
}

}  // namespace flame::cli
