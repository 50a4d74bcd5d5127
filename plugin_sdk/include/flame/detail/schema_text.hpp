// The canonical .fbs text of a signature, made at compile time. Its hash is the fingerprint, so every byte of it
// counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <flame/detail/codec/root.hpp>
#include <flame/detail/names.hpp>
#include <flame/detail/type_desc.hpp>

namespace flame::detail {

inline constexpr std::size_t kSchemaTypesMax = 256;

/// A name that grows with the path to a type: `Call` + `f0` → "Call_f0".
struct NamePath {
  const NamePath* parent = nullptr;
  std::string_view part;
};

/// Writes the text, or counts its bytes when `out` is null.
class SchemaWriter {
 public:
  constexpr explicit SchemaWriter(char* out) : out_(out) {}

  // The attributes that the body uses stand before it, so the body is written twice.
  constexpr std::size_t write(const TypeDesc& call, const TypeDesc& result) {
    SchemaWriter counter(nullptr);
    counter.body(call, result);
    for (std::size_t i = 0; i < kAttributes.size(); ++i) {
      if ((counter.used_ >> i & 1) != 0) put("attribute \"", kAttributes[i], "\";\n");
    }
    if (counter.used_ != 0) put("\n");
    body(call, result);
    put("root_type Call;\n");
    return size_;
  }

 private:
  enum Attribute : std::size_t { kUnit, kAttachment, kTracked, kChild, kLength, kVariant, kNested, kOptional, kSet };
  static constexpr std::array<std::string_view, 9> kAttributes = {"flame_unit",   "flame_attachment", "flame_tracked",
                                                                  "flame_child",  "flame_length",     "flame_variant",
                                                                  "flame_nested", "flame_optional",   "flame_set"};

  constexpr void character(char c) {
    if (out_ != nullptr) out_[size_] = c;
    ++size_;
  }
  // Not a template: clang does not instantiate members early enough for a constant expression.
  constexpr void put(std::string_view a, std::string_view b = {}, std::string_view c = {}) {
    for (const char x : a) character(x);
    for (const char x : b) character(x);
    for (const char x : c) character(x);
  }

  constexpr void number(std::uint64_t value) {
    char digits[20] = {};
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    while (count > 0) character(digits[--count]);
  }
  constexpr void number(std::int64_t value) {
    if (value < 0) character('-');
    number(value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
  }

  // "a::b" as an identifier, or with dots.
  constexpr void qualified(std::string_view name, char separator) {
    for (std::size_t i = 0; i < name.size(); ++i) {
      if (name[i] == ':') {
        character(separator);
        ++i;
      } else {
        character(name[i]);
      }
    }
  }

  constexpr void path(const NamePath& name) {
    if (name.parent != nullptr) {
      path(*name.parent);
      character('_');
    }
    qualified(name.part, '_');
  }

  constexpr void body(const TypeDesc& call, const TypeDesc& result) {
    declare(call, {});
    declare(result, {});
  }

  // Declares what a type needs, dependencies first (flatc wants enumerations before their use).
  constexpr void declare(const TypeDesc& type, const NamePath& helper_name) {
    if (type.kind == Kind::vector && type.role != Role::nested) return declare(*type.element, helper_name);
    if (type.kind != Kind::table && type.role != Role::enumeration) return;
    if (type.name.empty()) return declare_helper(type, helper_name);
    for (std::size_t i = 0; i < declared_count_; ++i) {
      if (!same_identifier(declared_[i]->name, type.name)) continue;
      if (declared_[i]->id != type.id) throw "flame: two types of a signature have the same name in its schema";
      return;
    }
    if (declared_count_ == kSchemaTypesMax) throw "flame: a signature uses more than 256 types";
    declared_[declared_count_++] = &type;
    const NamePath name{nullptr, type.name};
    type.kind == Kind::table ? table(type, name) : enumeration(type);
  }

  // Helpers have no name of their own; only instances of templates can contain themselves.
  constexpr void declare_helper(const TypeDesc& type, const NamePath& name) {
    if (active_helper(type) != nullptr) return;
    if (active_count_ == kSchemaTypesMax) throw "flame: types of a signature are nested too deeply";
    active_[active_count_++] = {&type, &name};
    table(type, name);
    --active_count_;
  }

  struct ActiveHelper {
    const TypeDesc* type = nullptr;
    const NamePath* name = nullptr;
  };

  constexpr const NamePath* active_helper(const TypeDesc& type) const {
    for (std::size_t i = 0; i < active_count_ && type.id != 0; ++i) {
      if (active_[i].type->id == type.id) return active_[i].name;
    }
    return nullptr;
  }

  static constexpr bool same_identifier(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    std::size_t j = 0;
    for (; i < a.size() && j < b.size(); ++i, ++j) {
      const char x = a[i] == ':' ? '_' : a[i];
      const char y = b[j] == ':' ? '_' : b[j];
      if (x != y) return false;
      i += a[i] == ':';
      j += b[j] == ':';
    }
    return i == a.size() && j == b.size();
  }

  constexpr void table(const TypeDesc& type, const NamePath& name) {
    for (std::size_t i = 0; i < type.field_count; ++i) {
      declare(*type.fields[i].type, NamePath{&name, type.fields[i].name});
    }
    put("table ");
    path(name);
    if (type.role == Role::variant) {
      put(" (flame_variant)");
      used_ |= 1u << kVariant;
    }
    put(" {\n");
    for (std::size_t i = 0; i < type.field_count; ++i) field(type, i, name);
    put("}\n\n");
  }

  constexpr void enumeration(const TypeDesc& type) {
    put("enum ");
    qualified(type.name, '_');
    put(" : ", fbs_name(type.kind), " {");
    for (std::size_t i = 0; i < type.value_count; ++i) {
      put(i == 0 ? " " : ", ", type.values[i].name, " = ");
      enum_number(type, type.values[i].value);
    }
    put(" }\n\n");
  }
  constexpr void enum_number(const TypeDesc& type, std::uint64_t value) {
    is_signed_kind(type.kind) ? number(static_cast<std::int64_t>(value)) : number(value);
  }

  constexpr void field(const TypeDesc& owner, std::size_t index, const NamePath& owner_name) {
    const FieldDesc& desc = owner.fields[index];
    put("  ", desc.name, ":");
    type_reference(*desc.type, NamePath{&owner_name, desc.name});
    if (is_inline(desc.type->kind)) default_value(desc);
    bool first = true;
    attributes(*desc.type, first);
    if (desc.optional && !is_inline(desc.type->kind) && owner.role != Role::variant) attribute(kOptional, first);
    if (is_map_key(owner, index)) {
      put(first ? " (" : ", ", "key");
      first = false;
    }
    put(first ? ";\n" : ");\n");
  }

  constexpr void default_value(const FieldDesc& field) {
    const TypeDesc& type = *field.type;
    if (field.optional) return put(" = null");
    const std::uint64_t bits = default_bits(type);
    for (std::size_t i = 0; type.role == Role::enumeration && i < type.value_count; ++i) {
      if (type.values[i].value == bits && bits != 0) put(" = ", type.values[i].name);
    }
  }

  constexpr void type_reference(const TypeDesc& type, const NamePath& helper_name) {
    if (type.kind == Kind::vector) {
      put("[");
      type_reference(*type.element, helper_name);
      return put("]");
    }
    if (type.role == Role::enumeration || type.kind == Kind::table) {
      if (!type.name.empty()) return qualified(type.name, '_');
      const NamePath* active = active_helper(type);
      return path(active != nullptr ? *active : helper_name);
    }
    put(fbs_name(type.kind));
  }

  constexpr void attribute(Attribute which, bool& first) {
    put(first ? " (" : ", ", kAttributes[which]);
    first = false;
    used_ |= 1u << which;
  }

  constexpr void attributes(const TypeDesc& type, bool& first) {
    if (type.sized) {
      attribute(kLength, first);
      put(": ");
      number(std::uint64_t{type.length});
    }
    if (type.role == Role::duration || type.role == Role::time_point) unit(type, first);
    if (type.role == Role::attachment) attribute(kAttachment, first);
    if (type.role == Role::tracked) named(kTracked, type, first);
    if (type.role == Role::child) named(kChild, type, first);
    if (type.role == Role::nested) named(kNested, type, first);
    if (type.role == Role::set) attribute(kSet, first);
    if (type.kind == Kind::vector && type.element->kind != Kind::table) attributes(*type.element, first);
  }
  constexpr void unit(const TypeDesc& type, bool& first) {
    attribute(kUnit, first);
    put(": \"");
    number(type.unit_num);
    put("/");
    number(type.unit_den);
    put(type.role == Role::duration ? "s\"" : "s since 1970\"");
  }
  constexpr void named(Attribute which, const TypeDesc& type, bool& first) {
    attribute(which, first);
    put(": \"");
    qualified(type.name, '.');
    put("\"");
  }

  constexpr bool is_map_key(const TypeDesc& owner, std::size_t index) const {
    return owner.role == Role::entry && index == 0 && owner.has_key;
  }

  char* out_;
  std::size_t size_ = 0;
  std::uint32_t used_ = 0;
  std::array<const TypeDesc*, kSchemaTypesMax> declared_{};
  std::size_t declared_count_ = 0;
  std::array<ActiveHelper, kSchemaTypesMax> active_{};
  std::size_t active_count_ = 0;
};

template <class R, class List>
struct SchemaOf {
  using Root = RootDesc<R, List>;
  static constexpr std::size_t kSize = SchemaWriter(nullptr).write(Root::kCall, Root::kReturn);
  static constexpr FixedText<kSize> make() {
    FixedText<kSize> result;
    SchemaWriter(result.text).write(Root::kCall, Root::kReturn);
    return result;
  }
  static constexpr FixedText<kSize> kText = make();
};

}  // namespace flame::detail
