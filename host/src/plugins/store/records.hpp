// The records of one plugin: which digest is active in which scope, and which was before. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/src/plugins/store/formats.hpp"

namespace flame::store {

/// What becomes of records in narrower scopes when a broader one is written: there, they would go on to decide.
enum class Narrower : std::uint8_t { keep, erase };

/// What Records::set() takes.
struct NewRecord {
  Scope scope;
  std::string digest;
  std::string before;
};

/// A plain value. [any thread]
class Records {
 public:
  Records() = default;
  /// `records`: as parse_records() gives them.
  explicit Records(std::vector<Record> records) : records_(std::move(records)) {}

  /// `digest` is active in `scope` from now on; what was is its previous one, so that the same with that one goes back.
  /// Of a digest that is active there already nothing changes. Returns whether anything did.
  /// `before`: what really was, which no record may have said; empty: what the record says.
  bool set(const Scope& scope, const std::string& digest, Narrower narrower, const std::string& before = {});
  /// Returns whether there was any.
  bool erase_narrower(const Scope& scope);

  /// Those that hold for a pool of a host, the narrowest first.
  [[nodiscard]] std::vector<Record> narrowest_first(std::string_view host, std::string_view pool) const;
  /// By scope.
  [[nodiscard]] const std::vector<Record>& all() const noexcept { return records_; }

  friend bool operator==(const Records&, const Records&) = default;

 private:
  std::vector<Record> records_;  // by scope
};

}  // namespace flame::store
