// [backends]: the host's own keys, and the options of its backend, flattened into dotted keys.
#include "host/src/config/backends_toml.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/src/config/secret_toml.hpp"

namespace flame::pool {
namespace {

// Of the host; what else there is is the backend's.
constexpr std::array<std::string_view, 4> kHostKeys{"kind", "max", "advertise", "reap"};

class OptionsReader {
 public:
  OptionsReader(const std::filesystem::path& directory, std::string path, ConfigReport& report)
      : directory_(directory), path_(std::move(path)), report_(report) {}

  /// All but the keys `without` of the table itself.
  BackendOptions read(const toml::table& table, std::span<const std::string_view> without = {}) {
    options_.where = report_.locate(table.source());
    for (const auto& [key, value] : table) {
      if (std::ranges::find(without, key.str()) == without.end()) option(std::string(key.str()), key.str(), value);
    }
    return std::move(options_);
  }

 private:
  void option(const std::string& path, std::string_view key, const toml::node& value) {
    const toml::table* table = value.as_table();
    if (!table) return scalar(path, value);
    const bool may_be_secret = key != "env";  // a variable may be called "file"
    if (const auto secret = may_be_secret ? read_secret(*table, directory_) : std::nullopt)
      return keep(path, *secret, value);
    for (const auto& [inner, nested] : *table) option(path + "." + std::string(inner.str()), inner.str(), nested);
  }

  void scalar(const std::string& path, const toml::node& value) {
    if (const auto* flag = value.as_boolean()) return keep(path, flag->get(), value);
    if (const auto* integer = value.as_integer()) return keep(path, integer->get(), value);
    if (const auto* number = value.as_floating_point()) return keep(path, number->get(), value);
    if (const auto* text = value.as_string()) return keep(path, text->get(), value);
    const auto* list = value.as_array();
    if (list && (list->empty() || list->is_homogeneous<std::string>())) return texts(path, *list);
    if (list && list->is_homogeneous<toml::table>()) return tables(path, *list);
    report_.add(value.source(), path_ + "." + path +
                                    " must be a boolean, a number, a string, a table, or an array of strings or of "
                                    "tables, not " +
                                    describe(value));
  }

  void texts(const std::string& path, const toml::array& list) {
    std::vector<std::string> values;
    for (const toml::node& element : list) values.push_back(element.as_string()->get());
    keep(path, std::move(values), list);
  }

  void tables(const std::string& path, const toml::array& list) {
    std::vector<BackendOptions> values;
    for (const toml::node& element : list) {
      std::string element_path = path_ + "." + path + "[" + std::to_string(values.size()) + "]";
      values.push_back(OptionsReader(directory_, std::move(element_path), report_).read(*element.as_table()));
    }
    keep(path, std::move(values), list);
  }

  void keep(const std::string& path, OptionValue value, const toml::node& node) {
    options_.values.insert_or_assign(path, Option{std::move(value), report_.locate(node.source())});
  }

  const std::filesystem::path& directory_;
  const std::string path_;
  ConfigReport& report_;
  BackendOptions options_;
};

void read_text(ConfigTable& table, std::string_view key, std::string& out, ConfigReport& report) {
  table.read(key, out);
  const auto* text = table.raw()[key].as_string();
  if (text && text->get().empty())
    report.add(text->source(), table.path_of(key) + " must not be empty; leave it out for the default");
}

void read_host_keys(const toml::table& table, const std::string& path, BackendConfig& backend, ConfigReport& report) {
  ConfigTable reader(table, path, report);
  read_text(reader, "kind", backend.kind, report);
  read_text(reader, "advertise", backend.advertise, report);
  reader.read_choice("reap", {"report", "destroy"}, backend.reap);
  std::uint32_t max = 1;
  reader.read("max", max);
  if (table.get("max") != nullptr) backend.max = max;
}

}  // namespace

void read_backend(std::string_view name, const toml::node& value, const std::filesystem::path& directory,
                  HostConfig& config, ConfigReport& report) {
  const std::string path = "backends." + std::string(name);
  report.place(path, value.source());
  const toml::table* table = value.as_table();
  if (!table) return report.add(value.source(), path + " must be a table, not " + describe(value));
  BackendConfig backend;
  read_host_keys(*table, path, backend, report);
  static_cast<BackendOptions&>(backend) = OptionsReader(directory, path, report).read(*table, kHostKeys);
  config.backends.insert_or_assign(std::string(name), std::move(backend));
}

}  // namespace flame::pool
