// What two versions of a plugin have in common, for hosts that run with the older one.
#include "host/src/plugins/manifest_diff.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "plugin_sdk/base/task_id.hpp"

namespace flame::pool::manifest_diff_test {
namespace {

using manifest::Manifest;
using manifest::TaskEntry;
using manifest::TaskKind;

std::string takes(const std::string& type, const std::string& tables = "") {
  return tables + "table Call {\n  f0:" + type + ";\n}\n\ntable Return {\n}\n\nroot_type Call;\n";
}
const std::string kClip = takes("Clip", "table Clip {\n  path:string;\n}\n\n");
const std::string kLongClip = takes("Clip", "table Clip {\n  path:string;\n  height:int;\n}\n\n");
const std::string kOtherClip = takes("Clip", "table Clip {\n  path:int;\n}\n\n");

// The fingerprint is a hash of the schema, as in real plugins.
TaskEntry task(const std::string& name, const std::string& schema, TaskKind kind = TaskKind::task,
               const std::string& object = "") {
  TaskEntry entry;
  entry.name = name;
  entry.kind = kind;
  entry.object = object;
  entry.schema = schema;
  entry.fingerprint = std::hash<std::string>()(schema);
  entry.id = base::task_id(name, entry.fingerprint);
  return entry;
}

ManifestDiff diff(std::vector<TaskEntry> before, std::vector<TaskEntry> after) {
  Manifest old_version;
  old_version.tasks = std::move(before);
  Manifest new_version;
  new_version.tasks = std::move(after);
  return diff_manifests(old_version, new_version);
}

TEST(ManifestDiff, OfTheSameTasksIsEmpty) {
  const auto same = diff({task("video::cut", kClip)}, {task("video::cut", kClip)});
  EXPECT_TRUE(same.differences.empty());
  EXPECT_TRUE(same.old_hosts_can_call);
  EXPECT_EQ(same.to_string(), "no task was added, removed or changed\n");
  EXPECT_EQ(same.breakage(), "");
}

TEST(ManifestDiff, AnAddedTaskConcernsNoOldHost) {
  const auto more = diff({task("video::cut", kClip)}, {task("video::show", takes("int")), task("video::cut", kClip)});
  EXPECT_TRUE(more.old_hosts_can_call);
  EXPECT_EQ(more.to_string(), "video::show(int) -> void: added\n");
}

TEST(ManifestDiff, ARemovedTaskBreaksOldHosts) {
  const auto less = diff({task("video::cut", kClip), task("video::show", takes("int"))}, {task("video::cut", kClip)});
  EXPECT_FALSE(less.old_hosts_can_call);
  EXPECT_EQ(less.to_string(), "video::show(int) -> void: removed\n");
  EXPECT_EQ(less.breakage(), "video::show(int) -> void: removed");
}

TEST(ManifestDiff, AppendedFieldsAreNoHarmInEitherDirection) {
  const auto more = diff({task("video::cut", kClip)}, {task("video::cut", kLongClip)});
  EXPECT_TRUE(more.old_hosts_can_call);
  EXPECT_EQ(more.to_string(),
            "video::cut(Clip) -> void: changed, old hosts can call it (has more fields at the end of its types)\n");
  const auto fewer = diff({task("video::cut", kLongClip)}, {task("video::cut", kClip)});
  EXPECT_TRUE(fewer.old_hosts_can_call);
  ASSERT_EQ(fewer.differences.size(), 1u);
  EXPECT_EQ(fewer.differences[0].change, TaskChange::appended);
  EXPECT_EQ(fewer.differences[0].what, "has fewer fields at the end of its types");
}

TEST(ManifestDiff, AFieldOfAnotherTypeBreaksOldHostsAndIsNamed) {
  const auto other = diff({task("video::cut", kClip)}, {task("video::cut", kOtherClip)});
  EXPECT_FALSE(other.old_hosts_can_call);
  ASSERT_EQ(other.differences.size(), 1u);
  EXPECT_EQ(other.differences[0].change, TaskChange::incompatible);
  EXPECT_EQ(other.breakage(),
            "video::cut(Clip) -> void: changed, old hosts cannot call it (Clip has `path:string` for the caller and "
            "`path:int` in the plugin (caller: (Clip) -> void, plugin: (Clip) -> void))");
}

TEST(ManifestDiff, ASignatureThatCannotBeReadIsNotCompatible) {
  EXPECT_FALSE(diff({task("video::cut", kClip)}, {task("video::cut", "no schema")}).old_hosts_can_call);
  EXPECT_TRUE(diff({task("video::cut", "no schema")}, {task("video::cut", "no schema")}).old_hosts_can_call);
}

TEST(ManifestDiff, OptionsAreShownAndChangeNothingForCallers) {
  TaskEntry before = task("video::cut", kClip);
  TaskEntry after = before;
  after.timeout = std::chrono::seconds(90);
  after.retries = 2;
  after.idempotent = true;
  const auto options = diff({before}, {after});
  EXPECT_TRUE(options.old_hosts_can_call);
  EXPECT_EQ(options.to_string(),
            "video::cut(Clip) -> void: changed, old hosts can call it (timeout the pool's -> 1min30s, retries 0 -> 2, "
            "idempotent no -> yes)\n");
  EXPECT_EQ(options.differences[0].change, TaskChange::options);
}

TEST(ManifestDiff, BothOptionsAndFieldsAreTold) {
  TaskEntry after = task("video::cut", kLongClip);
  after.retries = 1;
  EXPECT_EQ(diff({task("video::cut", kClip)}, {after}).differences.at(0).what,
            "has more fields at the end of its types, retries 0 -> 1");
}

TEST(ManifestDiff, MethodsAndChildrenCount) {
  const auto method = task("video::Index::query", kClip, TaskKind::method, "video::Index");
  const auto child = task("video::transcoder", kClip, TaskKind::child, "video::Transcoder");
  EXPECT_FALSE(diff({child, method}, {child}).old_hosts_can_call);
  EXPECT_FALSE(diff({child, method}, {method}).old_hosts_can_call);
  EXPECT_TRUE(diff({child, method}, {method, child}).old_hosts_can_call);
}

TEST(ManifestDiff, ATaskThatBecomesAFactoryBreaksOldHosts) {
  const auto became = diff({task("video::cut", kClip)}, {task("video::cut", kClip, TaskKind::child, "video::Cut")});
  EXPECT_FALSE(became.old_hosts_can_call);
  EXPECT_EQ(became.to_string(),
            "video::cut(Clip) -> void: changed, old hosts cannot call it (was a task, is a factory of video::Cut)\n");
}

TEST(ManifestDiff, AnOverloadIsServedByItsOwnSignatureNotByItsName) {
  const auto text = task("video::show", takes("string"));
  const auto number = task("video::show", takes("int"));
  EXPECT_TRUE(diff({text, number}, {number, text}).differences.empty());
  const auto gone = diff({text, number}, {text});
  EXPECT_EQ(gone.to_string(), "video::show(int) -> void: removed (other overloads of it are still there)\n");
  const auto changed = diff({text, number}, {text, task("video::show", takes("double"))});
  ASSERT_EQ(changed.differences.size(), 1u);
  EXPECT_EQ(changed.differences[0].change, TaskChange::incompatible);
  EXPECT_EQ(changed.differences[0].task, "video::show(int) -> void");
}

TEST(ManifestDiff, AnAddedOverloadIsToldToThoseWhoCallByName) {
  const auto more = diff({task("video::show", takes("int"))},
                         {task("video::show", takes("int")), task("video::show", takes("string"))});
  EXPECT_TRUE(more.old_hosts_can_call);
  EXPECT_EQ(more.to_string(),
            "video::show(string) -> void: added (an overload: its name alone no longer says which is meant)\n");
}

TEST(ManifestDiff, EverythingIsToldInTheOrderOfTheOldVersionAndThenOfTheNew) {
  const auto all = diff({task("a", kClip), task("b", kClip), task("c", kClip)},
                        {task("x", kClip), task("c", kOtherClip), task("b", kLongClip)});
  ASSERT_EQ(all.differences.size(), 4u);
  EXPECT_EQ(all.differences[0].change, TaskChange::removed);
  EXPECT_EQ(all.differences[1].change, TaskChange::appended);
  EXPECT_EQ(all.differences[2].change, TaskChange::incompatible);
  EXPECT_EQ(all.differences[3].change, TaskChange::added);
  EXPECT_FALSE(all.old_hosts_can_call);
  EXPECT_EQ(all.breakage().find("a(Clip) -> void: removed; c(Clip) -> void: changed, old hosts cannot"), 0u);
}

TEST(ManifestDiff, ReadsWhatANoteSays) {
  const std::string head = "flame = 1\nname = \"video\"\nversion = \"1.4.0\"\nabi = \"1.2\"\n";
  const auto entry = [](const std::string& fingerprint, const std::string& schema) {
    return "[[task]]\nname = \"video::cut\"\nkind = \"task\"\nfingerprint = \"" + fingerprint + "\"\nschema = '''\n" +
           schema + "'''\n";
  };
  const auto before = manifest::parse(head + entry("00000000000000aa", kClip)).value();
  const auto after = manifest::parse(head + entry("00000000000000bb", kLongClip)).value();
  const auto read = diff_manifests(before, after);
  EXPECT_TRUE(read.old_hosts_can_call);
  EXPECT_EQ(to_string(read.differences.at(0).change), "appended");
}

}  // namespace
}  // namespace flame::pool::manifest_diff_test
