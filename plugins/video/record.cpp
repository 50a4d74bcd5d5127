// The table `videos`: one row per stored file.
#include "plugins/video/record.hpp"

#include <memory>
#include <stdexcept>

#include <sqlite3.h>

namespace video {
namespace {

constexpr int kBusyMilliseconds = 10'000;
constexpr const char* kCreate =
    "CREATE TABLE IF NOT EXISTS videos (path TEXT PRIMARY KEY, source TEXT NOT NULL, bytes INTEGER NOT NULL, "
    "seconds REAL NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, made_at TEXT NOT NULL)";
constexpr const char* kInsert =
    "INSERT OR REPLACE INTO videos VALUES (?1, ?2, ?3, ?4, ?5, ?6, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";

struct Close {
  void operator()(sqlite3* p) const noexcept { sqlite3_close(p); }
};
struct Finalize {
  void operator()(sqlite3_stmt* p) const noexcept { sqlite3_finalize(p); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

[[noreturn]] void fail(sqlite3* database, const std::string& what) {
  throw std::runtime_error(what + ": " + (database != nullptr ? sqlite3_errmsg(database) : "out of memory"));
}

Database open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open(path.c_str(), &handle);
  Database database(handle);
  if (opened != SQLITE_OK) fail(handle, "cannot open " + path);
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  return database;
}

void run(sqlite3* database, const char* sql, auto&& bind) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v2(database, sql, -1, &handle, nullptr) != SQLITE_OK) fail(database, "cannot prepare the record");
  const Statement statement(handle);
  bind(handle);
  if (sqlite3_step(handle) != SQLITE_DONE) fail(database, "cannot write the record");
}

}  // namespace

void record(const std::string& store, const std::string& source, const Resized& result) {
  const Database database = open(store + "/videos.sqlite");
  run(database.get(), kCreate, [](sqlite3_stmt*) {});
  run(database.get(), kInsert, [&](sqlite3_stmt* row) {
    sqlite3_bind_text(row, 1, result.path.c_str(), -1, nullptr);
    sqlite3_bind_text(row, 2, source.c_str(), -1, nullptr);
    sqlite3_bind_int64(row, 3, result.bytes);
    sqlite3_bind_double(row, 4, result.seconds);
    sqlite3_bind_int(row, 5, result.width);
    sqlite3_bind_int(row, 6, result.height);
  });
}

}  // namespace video
