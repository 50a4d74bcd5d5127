// kill -9 at every single operation of every change: what is left is the store of before or of after, and goes on.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <cerrno>
#include <functional>
#include <set>

#include "tests/unit/host/plugins/store/faulty_files.hpp"
#include "tests/unit/host/plugins/store/store_test.hpp"

namespace flame::store {
namespace store_kill_test {

namespace fs = std::filesystem;

/// All that queries tell. Damage is a failure.
std::string describe(const Store& store) {
  std::string text;
  const auto listing = store.list();
  EXPECT_TRUE(listing && listing->damaged.empty());
  for (const Installed& plugin : listing->plugins) {
    text += plugin.reference() + " " + plugin.digest + " " + std::to_string(plugin.installed) +
            (plugin.replaced ? " replaced" : "") + (plugin.present ? "" : " MISSING") +
            (plugin.refusal ? " refused: " + plugin.refusal->reason : "") + "\n";
  }
  const auto all = store.all_records();
  EXPECT_TRUE(all);
  for (const auto& [plugin, records] : *all) text += plugin + ":\n" + print(records.all());
  EXPECT_TRUE(store.hosts() && store.hosts()->empty());
  return text;
}

using Change = std::function<bool(Store&)>;

class StoreKill : public StoreTest {
 protected:
  void SetUp() override {
    old_ = installed("1.3.0");
    active_ = installed("1.4.0");
    files_.write("plugin.so.sig", "signature");
    idle_ = installed("1.5.0");
    fs::remove(files_ / "plugin.so.sig");
    activate({}, old_);
    activate({}, active_);
    activate({"web-1", "ffmpeg"}, active_);
    ASSERT_TRUE(store_.refuse(idle_, {"bad", "web-1", 1}));
  }
  /// A copy of the store that SetUp() has made.
  fs::path copy() {
    const fs::path to = files_ / ("copy" + std::to_string(++copies_));
    fs::copy(root(), to, fs::copy_options::recursive);
    fs::permissions(to, fs::perms::owner_all);
    return to;
  }
  std::string after(const fs::path& at, const Change& change) {
    Store store(at, system_);
    EXPECT_TRUE(change(store));
    return describe(store);
  }
  /// Dies at each operation of `change` in turn. `between`: there may be states in which a part of it is done.
  void kill_everywhere(const Change& change, bool from_nothing = false, bool between = false) {
    const auto fresh = [&] {
      return from_nothing ? fs::path(files_ / ("new" + std::to_string(++copies_))) / "store" : copy();
    };
    const std::string before = describe(Store(fresh(), system_));
    const std::string done = after(fresh(), change);
    std::size_t n = 0;
    for (;; ++n) {
      SCOPED_TRACE("dies at operation " + std::to_string(n));
      const fs::path at = fresh();
      FaultyFiles faulty;
      faulty.die_at(n);
      Store dying(at, faulty);
      const bool went_well = change(dying);
      Store store(at, system_);
      const std::string left = describe(store);
      EXPECT_TRUE(left == before || left == done || between) << left;
      if (!faulty.died()) {
        EXPECT_TRUE(went_well && left == done);
        break;
      }
      if (left != done) {
        EXPECT_EQ(after(at, change), done) << "the next one works";
      }
      expect_clean(store, at);
      fs::remove_all(at);
    }
    EXPECT_GT(n, 5u) << "it was killed indeed";
  }
  /// Whatever is next sweeps up; gc() leaves what is in use and nothing else.
  void expect_clean(Store& store, const fs::path& at) {
    ASSERT_TRUE(store.refuse(std::string(64, 'f'), {}));
    EXPECT_THAT(names_in(at / "staging"), testing::IsEmpty());
    EXPECT_THAT(names_in(at / "hosts"), testing::IsEmpty());
    std::set<std::string> kept;
    for (const auto& [plugin, records] : store.all_records().value()) {
      for (const Record& record : records.all()) kept.insert({record.digest, record.previous});
    }
    std::set<std::string> expected = names_in(at / "objects");
    std::erase_if(expected, [&](const std::string& name) { return !kept.contains(fs::path(name).stem().string()); });
    ASSERT_TRUE(store.gc());
    EXPECT_EQ(names_in(at / "objects"), expected);
  }
  std::set<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    EXPECT_EQ(system_.list(directory.string(), names), 0);
    return {names.begin(), names.end()};
  }

  Change installs(const pool::FakePlugin& plugin, bool force = false) {
    const std::string file = put(plugin, "next.so");
    return [file, force](Store& store) { return store.install(file, {.now = 2000, .force = force}).has_value(); };
  }

  std::string old_;
  std::string active_;
  std::string idle_;
  int copies_ = 0;
};

TEST_F(StoreKill, WhileItInstallsTheFirstOne) {
  kill_everywhere(installs({.version = "2.0.0"}), true);
}

TEST_F(StoreKill, WhileItInstallsOneMore) {
  kill_everywhere(installs({.version = "2.0.0"}));
}

TEST_F(StoreKill, WhileItInstallsAnotherPluginWithASignature) {
  files_.write("next.so.sig", "signature");
  kill_everywhere(installs({.name = "audio"}));
}

TEST_F(StoreKill, WhileItReplacesAVersionThatIsActive) {
  kill_everywhere(installs({.version = "1.4.0", .salt = "rebuilt"}, true));
}

TEST_F(StoreKill, WhileItInstallsWhatIsThere) {
  kill_everywhere(installs({.version = "1.5.0"}));
}

TEST_F(StoreKill, WhileItRecords) {
  kill_everywhere([&](Store& store) { return store.record("video", {}, idle_, Narrower::erase).has_value(); });
  kill_everywhere([&](Store& store) { return store.record("audio", {}, idle_, Narrower::keep).has_value(); }, true);
  kill_everywhere([&](Store& store) { return store.erase_narrower("video", {}).has_value(); });
}

TEST_F(StoreKill, WhileItRefusesAndAllowsAgain) {
  kill_everywhere([&](Store& store) { return store.refuse(active_, {"crashes", "web-1", 2}).has_value(); });
  kill_everywhere([&](Store& store) { return store.unrefuse(idle_).has_value(); });
}

TEST_F(StoreKill, WhileItRemoves) {
  kill_everywhere([&](Store& store) { return store.remove(reference("video@1.5.0")).has_value(); });
}

TEST_F(StoreKill, WhileItCollects) {
  kill_everywhere([](Store& store) { return store.gc().has_value(); }, false, true);
}

TEST_F(StoreKill, WhileAHostStartsAndChangesWhatItUses) {
  kill_everywhere([&](Store& store) {
    auto host = store.announce("web-1", {active_});
    return host && host->use({active_, idle_}).has_value();
  });
}

TEST_F(StoreKill, EveryChangeIsMadeUnderTheLock) {
  const std::vector<Change> changes = {
      installs({.version = "2.0.0"}),
      [&](Store& store) { return store.record("video", {}, idle_, Narrower::erase).has_value(); },
      [&](Store& store) { return store.erase_narrower("video", {}).has_value(); },
      [&](Store& store) {
        return store.refuse(active_, {"crashes", "web-1", 2}).has_value();
      },
      [&](Store& store) { return store.unrefuse(active_).has_value(); },
      [&](Store& store) { return store.remove(reference("video@2.0.0")).has_value(); },
      [](Store& store) { return store.gc().has_value(); },
      [](Store& store) { return store.announce("web-1", {}).has_value(); },
  };
  for (const char* operation : {"rename", "unlink"}) {
    int times = 0;
    FaultyFiles watched;
    watched.before(operation, [&](const std::string& path) {
      const bool own_host_ends = path.find("/hosts/") != std::string::npos && path.find(' ') == std::string::npos;
      const Opened lock = system_.open((root() / "lock").string(), O_RDWR, 0);
      EXPECT_TRUE(own_host_ends || system_.lock(lock.fd.get(), Lock::try_alone) == EWOULDBLOCK) << path;
      ++times;
    });
    Store store(root(), watched);
    for (const Change& change : changes) EXPECT_TRUE(change(store));
    EXPECT_GT(times, 2);
  }
}

/// After a loss of power there is what was synced. Looks for what was not, before it was named or relied on.
class Durability {
 public:
  explicit Durability(std::vector<std::string> changes) : changes_(std::move(changes)) {}

  void check() {
    for (const std::string& change : changes_) {
      const auto space = change.find(' ');
      step(change.substr(0, space), change.substr(space + 1));
    }
    EXPECT_THAT(unsynced_, testing::IsEmpty()) << "the change was reported as done";
  }

 private:
  static bool lasts(const std::string& path) {
    return path.find("/staging/") == std::string::npos && path.find("/hosts/") == std::string::npos;
  }
  void step(const std::string& what, const std::string& path) {
    if (what == "write" || what == "set_mode") written_.insert(path);
    if (what == "sync") {
      written_.erase(path);
      unsynced_.erase(path);
    }
    if ((what == "unlink" || what == "make_directory") && lasts(path)) name_changed(path);
    if (what == "rename") {
      const auto space = path.find(' ');
      const std::string to = path.substr(space + 1);
      if (!lasts(to)) return;
      EXPECT_FALSE(written_.contains(path.substr(0, space))) << to << " was named before its bytes were on the disk";
      name_changed(to);
    }
  }
  // What refers to an object is changed only when the object's own name lasts, and the other way round.
  void name_changed(const std::string& path) {
    const std::string directory = fs::path(path).parent_path().string();
    for (const std::string& other : unsynced_) EXPECT_EQ(other, directory) << "was not synced before " << path;
    unsynced_.insert(directory);
  }

  std::vector<std::string> changes_;
  std::set<std::string> written_;   // files
  std::set<std::string> unsynced_;  // directories
};

TEST_F(StoreKill, NothingIsReliedOnBeforeItIsOnTheDisk) {
  files_.write("next.so.sig", "signature");
  const std::vector<Change> changes = {
      installs({.version = "2.0.0"}),
      [&](Store& store) { return store.record("video", {}, idle_, Narrower::erase).has_value(); },
      [&](Store& store) {
        return store.refuse(active_, {"crashes", "web-1", 2}).has_value();
      },
      [&](Store& store) { return store.unrefuse(idle_).has_value(); },
      [&](Store& store) { return store.remove(reference("video@1.5.0")).has_value(); },
      [](Store& store) { return store.gc().has_value(); },
  };
  for (const Change& change : changes) {
    FaultyFiles faulty;
    Store store(copy(), faulty);
    EXPECT_TRUE(change(store));
    EXPECT_FALSE(faulty.changes().empty());
    Durability(faulty.changes()).check();
  }
}

}  // namespace store_kill_test
}  // namespace flame::store
