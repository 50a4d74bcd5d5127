// Compares two schemas table by table, starting at Call and Return.
#include <flame/detail/compatible.hpp>

#include <algorithm>
#include <set>
#include <vector>

#include "plugin_sdk/sdk/schema_parser.hpp"

namespace flame::detail {
namespace {

std::string text_of(const ParsedField& field) {
  std::string text = std::string(field.name) + ":";
  text += field.vector ? "[" + std::string(field.type) + "]" : std::string(field.type);
  return text + std::string(field.rest);
}

class Comparison {
 public:
  Comparison(const ParsedSchema& caller, const ParsedSchema& plugin) : caller_(caller), plugin_(plugin) {}

  bool run() {
    reach("Call");
    reach("Return");
    while (!pending_.empty()) {
      const std::string_view name = pending_.back();
      pending_.pop_back();
      if (!table(name)) return false;
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
  void reach(std::string_view name) {
    if (seen_.insert(name).second) pending_.push_back(name);
  }

  bool table(std::string_view name) {
    const auto ours = caller_.tables.find(name);
    const auto theirs = plugin_.tables.find(name);
    if (ours == caller_.tables.end() || theirs == plugin_.tables.end()) {
      return differ("the type " + std::string(name) + " is not defined on both sides");
    }
    const ParsedTable& a = ours->second;
    const ParsedTable& b = theirs->second;
    const std::size_t common = std::min(a.fields.size(), b.fields.size());
    for (std::size_t i = 0; i < common; ++i) {
      if (!field(name, a.fields[i], b.fields[i])) return false;
    }
    if (a.variant != b.variant) return differ(std::string(name) + " is a variant on one side only");
    if (a.fields.size() == b.fields.size()) return true;
    if (a.variant) return differ("the variant " + std::string(name) + " has more alternatives on one side");
    if (name == "Call") return differ("the number of parameters differs");
    if (name == "Return") return differ("one side has a result, the other has none");
    (a.fields.size() > b.fields.size() ? caller_appends_ : plugin_appends_) = true;
    return true;
  }

  bool field(std::string_view table, const ParsedField& a, const ParsedField& b) {
    const bool same = a.name == b.name && a.type == b.type && a.vector == b.vector && a.rest == b.rest;
    if (!same) {
      return differ(std::string(table) + " has `" + text_of(a) + "` for the caller and `" + text_of(b) +
                    "` in the plugin");
    }
    const auto ours = caller_.enums.find(a.type);
    const auto theirs = plugin_.enums.find(a.type);
    if (ours != caller_.enums.end() && theirs != plugin_.enums.end()) {
      return ours->second == theirs->second ||
             differ("the enumeration " + std::string(a.type) + " has other values in the plugin");
    }
    const bool ours_named = caller_.tables.contains(a.type);
    const bool theirs_named = plugin_.tables.contains(a.type);
    if (ours_named && theirs_named) {
      reach(a.type);
      return true;
    }
    const bool builtin = !ours_named && !theirs_named && ours == caller_.enums.end() && theirs == plugin_.enums.end();
    return builtin || differ(std::string(a.type) + " is another kind of type in the plugin");
  }

  const ParsedSchema& caller_;
  const ParsedSchema& plugin_;
  std::set<std::string_view> seen_;
  std::vector<std::string_view> pending_;
  bool caller_appends_ = false;
  bool plugin_appends_ = false;
  std::string difference_;
};

}  // namespace

bool compatible(std::string_view caller_schema, std::string_view plugin_schema, std::string* difference) {
  if (caller_schema == plugin_schema) return true;
  const auto caller = parse_schema(caller_schema);
  const auto plugin = parse_schema(plugin_schema);
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
  const auto parsed = parse_schema(schema);
  if (!parsed) return "(?)";
  const auto type = [](const ParsedField& field) {
    return field.vector ? "[" + std::string(field.type) + "]" : std::string(field.type);
  };
  std::string text = "(";
  for (const ParsedField& field : parsed->tables.at("Call").fields) {
    if (text.size() > 1) text += ", ";
    text += type(field);
  }
  const auto& result = parsed->tables.at("Return").fields;
  return text + ") -> " + (result.empty() ? "void" : type(result.front()));
}

}  // namespace flame::detail
