// A parser of the printed form. It does not recurse: the nesting of untrusted text must not become recursion.
#include "plugin_sdk/sdk/schema_types.hpp"

#include <charconv>
#include <set>
#include <system_error>

#include "plugin_sdk/base/limits.hpp"

namespace flame::detail {
namespace {

constexpr std::string_view kIdentifier = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

Kind kind_of(std::string_view name) {
  for (auto kind = Kind::boolean; kind <= Kind::string; kind = static_cast<Kind>(static_cast<int>(kind) + 1)) {
    if (fbs_name(kind) == name) return kind;
  }
  return Kind::none;
}

bool is_integer(Kind kind) {
  return kind > Kind::boolean && kind < Kind::float32;
}

// Whether values of the kind can have the role: the verifier reads what the role says.
bool may_be(Kind kind, Role role) {
  if (role == Role::attachment || role == Role::tracked || role == Role::child) return kind == Kind::uint32;
  return role == Role::plain || (kind > Kind::boolean && is_inline(kind));
}

/// What stands behind a field's type.
struct Attributes {
  TypeDesc value;  // of the field, or of the elements of its list
  TypeDesc list{.kind = Kind::vector};
  bool optional = false;
  bool key = false;
};

}  // namespace

class SchemaReader {
 public:
  explicit SchemaReader(SchemaTypes& types) : types_(types), rest_(types.text_) {}

  bool read() {
    while (!rest_.empty()) {
      if (!declaration()) return false;
    }
    return missing_.empty() && types_.named_.contains("Call") && types_.call().kind == Kind::table &&
           types_.named_.contains("Return") && types_.returned().kind == Kind::table;
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string_view take_until(std::size_t end) {
    const std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view word() { return take_until(rest_.find_first_not_of(kIdentifier)); }
  template <class T>
  bool number(T& value) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return error == std::errc();
  }
  // "\"text\""
  bool quoted(std::string_view& text) {
    if (!take("\"")) return false;
    text = take_until(rest_.find_first_of("\"\n"));
    return !text.empty() && take("\"");
  }

  bool declaration() {
    if (take("\n") || take("root_type Call;\n")) return true;
    if (take("attribute \"")) return !word().empty() && take("\";\n");
    return take("enum ") ? enumeration() : take("table ") && table();
  }

  // The type that a word names; null: it was declared before.
  TypeDesc* declare(std::string_view name) {
    const auto [entry, fresh] = types_.named_.try_emplace(name);
    if (name.empty() || (!fresh && missing_.erase(name) == 0)) return nullptr;
    entry->second.name = name;
    return &entry->second;
  }

  bool enumeration() {
    TypeDesc* const type = declare(word());
    if (type == nullptr || type->kind == Kind::table || !take(" : ")) return false;
    type->kind = kind_of(word());
    type->role = Role::enumeration;
    auto& values = types_.values_.emplace_back();
    if (!is_integer(type->kind) || !take(" {")) return false;
    do {
      std::int64_t below_zero = 0;
      EnumValue value{};
      if (!take(" ") || (value.name = word()).empty() || !take(" = ")) return false;
      if (!(rest_.starts_with('-') ? number(below_zero) : number(value.value))) return false;
      if (below_zero != 0) value.value = static_cast<std::uint64_t>(below_zero);
      values.push_back(value);
    } while (take(","));
    type->values = values.data();
    type->value_count = values.size();
    return take(" }\n");
  }

  bool table() {
    TypeDesc* const type = declare(word());
    if (type == nullptr) return false;
    type->kind = Kind::table;
    if (take(" (flame_variant)")) type->role = Role::variant;
    if (!take(" {\n")) return false;
    auto& fields = types_.fields_.emplace_back();
    std::set<std::string_view> names;
    while (!take("}\n")) {
      FieldDesc field{.optional = type->role == Role::variant};
      Attributes attributes;
      if (!take("  ") || !this->field(field, attributes) || !names.insert(field.name).second) return false;
      fields.push_back(field);
      type->has_key |= attributes.key && fields.size() == 1 && field.type->kind <= Kind::string && !field.optional;
    }
    type->has_key &= fields.size() == 2 && fields[0].name == "key" && fields[1].name == "value";
    if (type->has_key) type->role = Role::entry;
    type->fields = fields.data();
    type->field_count = fields.size();
    return true;
  }

  bool field(FieldDesc& field, Attributes& attributes) {
    field.name = word();
    if (field.name.empty() || !take(":")) return false;
    const bool list = take("[");
    const std::string_view name = word();
    if (list && !take("]")) return false;
    const bool null = take(" = null");
    if (!null && take(" = ")) word();
    if (take(" (")) {
      do {
        if (!attribute(attributes)) return false;
      } while (take(", "));
      if (!take(")")) return false;
    }
    field.type = list ? list_of(name, attributes) : type_of(name, attributes.value);
    if (field.type == nullptr || (null && !is_inline(field.type->kind))) return false;
    field.optional |= null || attributes.optional;
    return (list || (attributes.list.role == Role::plain && !attributes.list.sized)) && take(";\n");
  }

  bool attribute(Attributes& attributes) {
    const std::string_view name = word();
    if (!take(": ")) return flag(name, attributes);
    auto& [value, list, optional, key] = attributes;
    if (name == "flame_length") return (list.sized = true) && number(list.length);
    std::string_view text;
    if (name == "flame_unit") {
      if (!take("\"") || !number(value.unit_num) || !take("/") || !number(value.unit_den) || !take("s")) return false;
      value.role = take(" since 1970") ? Role::time_point : Role::duration;
      return take("\"");
    }
    if (!quoted(text)) return false;
    if (name == "flame_nested") named(list, Role::nested, text);
    if (name == "flame_tracked") named(value, Role::tracked, text);
    if (name == "flame_child") named(value, Role::child, text);
    return true;
  }

  static void named(TypeDesc& type, Role role, std::string_view name) {
    type.role = role;
    type.name = name;
  }

  static bool flag(std::string_view name, Attributes& attributes) {
    if (name == "flame_attachment") attributes.value.role = Role::attachment;
    if (name == "flame_set") attributes.list.role = Role::set;
    attributes.optional |= name == "flame_optional";
    attributes.key |= name == "key";
    return !name.empty();
  }

  const TypeDesc* type_of(std::string_view name, TypeDesc type) {
    type.kind = kind_of(name);
    if (type.kind != Kind::none) return may_be(type.kind, type.role) ? &types_.unnamed_.emplace_back(type) : nullptr;
    if (name.empty() || type.role != Role::plain) return nullptr;
    const auto [entry, fresh] = types_.named_.try_emplace(name);
    // Enumerations are declared before their use, tables that contain themselves after it.
    if (fresh) {
      missing_.insert(name);
      entry->second.kind = Kind::table;
    }
    return &entry->second;
  }

  const TypeDesc* list_of(std::string_view name, const Attributes& attributes) {
    TypeDesc list = attributes.list;
    list.element = type_of(name, attributes.value);
    if (list.element == nullptr || (list.role == Role::nested && list.element->kind != Kind::uint8)) return nullptr;
    return &types_.unnamed_.emplace_back(list);
  }

  SchemaTypes& types_;
  std::string_view rest_;
  std::set<std::string_view> missing_;  // used, but not declared yet
};

std::shared_ptr<const SchemaTypes> SchemaTypes::read(std::string_view text) {
  if (text.size() > limits::kNoteBytesMax) return nullptr;
  std::shared_ptr<SchemaTypes> types(new SchemaTypes(text));
  return SchemaReader(*types).read() ? types : nullptr;
}

std::string_view SchemaTypes::line(std::string_view name) const {
  const auto at = static_cast<std::size_t>(name.data() - text_.data());
  return std::string_view(text_).substr(at, text_.find('\n', at) - at);
}

}  // namespace flame::detail
