// Compares two schemas table by table, starting at Call and Return.
#include <flame/detail/compatible.hpp>

#include <algorithm>
#include <set>
#include <vector>

#include "plugin_sdk/sdk/schema_types.hpp"

namespace flame::detail {
namespace {

// "name:[type] = default (attributes)"
std::string text_of(const SchemaTypes& schema, const FieldDesc& field) {
  const std::string_view line = schema.line(field.name);
  return std::string(line.substr(0, line.size() - 1));
}

const TypeDesc& inner_type(const FieldDesc& field) {
  return field.type->kind == Kind::vector ? *field.type->element : *field.type;
}

class Comparison {
 public:
  Comparison(const SchemaTypes& caller, const SchemaTypes& plugin) : caller_(caller), plugin_(plugin) {}

  bool run() {
    reach(caller_.call(), plugin_.call());
    reach(caller_.returned(), plugin_.returned());
    while (!pending_.empty()) {
      const auto [ours, theirs] = pending_.back();
      pending_.pop_back();
      if (!table(*ours, *theirs)) return false;
    }
    return !(caller_appends_ && plugin_appends_) ||
           differ("both sides have fields that the other does not know; rebuild one of them");
  }

  [[nodiscard]] const std::string& difference() const noexcept { return difference_; }

 private:
  bool differ(std::string what) {
    difference_ = std::move(what);
    return false;
  }

  // A worklist: the nesting of untrusted text must not become recursion.
  void reach(const TypeDesc& ours, const TypeDesc& theirs) {
    if (seen_.insert(&ours).second) pending_.emplace_back(&ours, &theirs);
  }

  bool table(const TypeDesc& a, const TypeDesc& b) {
    const std::string name(a.name);
    for (std::size_t i = 0; i < std::min(a.field_count, b.field_count); ++i) {
      if (!field(name, a.fields[i], b.fields[i])) return false;
    }
    const bool variant = a.role == Role::variant;
    if (variant != (b.role == Role::variant)) return differ(name + " is a variant on one side only");
    if (a.field_count == b.field_count) return true;
    if (variant) return differ("the variant " + name + " has more alternatives on one side");
    if (name == "Call") return differ("the number of parameters differs");
    if (name == "Return") return differ("one side has a result, the other has none");
    (a.field_count > b.field_count ? caller_appends_ : plugin_appends_) = true;
    return true;
  }

  bool field(const std::string& table, const FieldDesc& a, const FieldDesc& b) {
    const std::string ours = text_of(caller_, a);
    const std::string theirs = text_of(plugin_, b);
    if (ours != theirs) return differ(table + " has `" + ours + "` for the caller and `" + theirs + "` in the plugin");
    return type(inner_type(a), inner_type(b));
  }

  // Both have the same name, if they have one.
  bool type(const TypeDesc& a, const TypeDesc& b) {
    const bool enumeration = a.role == Role::enumeration;
    if (enumeration != (b.role == Role::enumeration) || (a.kind == Kind::table) != (b.kind == Kind::table)) {
      return differ(std::string(a.name) + " is another kind of type in the plugin");
    }
    if (a.kind == Kind::table) reach(a, b);
    return !enumeration || caller_.line(a.name) == plugin_.line(b.name) ||
           differ("the enumeration " + std::string(a.name) + " has other values in the plugin");
  }

  const SchemaTypes& caller_;
  const SchemaTypes& plugin_;
  std::set<const TypeDesc*> seen_;
  std::vector<std::pair<const TypeDesc*, const TypeDesc*>> pending_;
  bool caller_appends_ = false;
  bool plugin_appends_ = false;
  std::string difference_;
};

}  // namespace

bool compatible(std::string_view caller_schema, std::string_view plugin_schema, std::string* difference) {
  if (caller_schema == plugin_schema) return true;
  const auto caller = SchemaTypes::read(caller_schema);
  const auto plugin = SchemaTypes::read(plugin_schema);
  std::string reason;
  bool same = false;
  if (!caller || !plugin) {
    reason = std::string(caller ? "the plugin" : "the caller") + " has no readable schema";
  } else {
    Comparison comparison(*caller, *plugin);
    same = comparison.run();
    reason = comparison.difference();
  }
  if (!same && difference != nullptr) {
    *difference =
        reason + " (caller: " + signature_text(caller_schema) + ", plugin: " + signature_text(plugin_schema) + ")";
  }
  return same;
}

std::string signature_text(std::string_view schema) {
  const auto types = SchemaTypes::read(schema);
  if (!types) return "(?)";
  const auto type = [&types](const FieldDesc& field) {
    const std::string text = text_of(*types, field).substr(field.name.size() + 1);
    return text.substr(0, text.find(' '));
  };
  std::string text = "(";
  for (std::size_t i = 0; i < types->call().field_count; ++i)
    text += (i == 0 ? "" : ", ") + type(types->call().fields[i]);
  return text + ") -> " + (types->returned().field_count == 0 ? "void" : type(types->returned().fields[0]));
}

}  // namespace flame::detail
