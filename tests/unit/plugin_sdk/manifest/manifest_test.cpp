// The manifest text: what a valid one gives, and that each invalid field is named with its place.
#include "plugin_sdk/manifest/manifest.hpp"

#include <gtest/gtest.h>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/task_id.hpp"

namespace flame::manifest {
namespace {

constexpr const char* kHead = R"(flame = 1
name = "video"
version = "1.4.0"
abi = "1.0"
sdk = "0.1.0"
compiler = "gcc 12.2.0"
sanitizer = ""
cpu = "x86-64-v2 avx"
start = true
start_slot = false
)";

constexpr const char* kTask = R"([[task]]
name = "video::resize"
kind = "task"
fingerprint = "00000000000000ff"
timeout_ns = 60000000000
retries = 2
idempotent = true
schema = '''
table Call {
}
'''
)";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

void expect_refused(const std::string& text, const std::string& part, ErrorCode code = ErrorCode::invalid_argument) {
  const auto manifest = parse(text);
  ASSERT_FALSE(manifest) << text;
  EXPECT_EQ(manifest.error().code, code);
  EXPECT_NE(manifest.error().message.find(part), std::string::npos) << manifest.error().message;
}

TEST(Manifest, GivesEveryField) {
  const auto manifest = parse(std::string(kHead) + kTask).value();
  EXPECT_EQ(manifest.name, "video");
  EXPECT_EQ(manifest.version.to_string(), "1.4.0");
  EXPECT_EQ(manifest.abi_major, 1);
  EXPECT_EQ(manifest.abi_minor, 0);
  EXPECT_EQ(manifest.sdk, "0.1.0");
  EXPECT_EQ(manifest.compiler, "gcc 12.2.0");
  EXPECT_EQ(manifest.sanitizer, "");
  EXPECT_EQ(manifest.cpu, "x86-64-v2 avx");
  EXPECT_TRUE(manifest.has_start);
  EXPECT_FALSE(manifest.has_start_slot);
  EXPECT_FALSE(manifest.has_idle_check) << "plugins of ABI 1.0 do not know it";
  EXPECT_FALSE(manifest.has_stop_slot) << "nor this";
  EXPECT_FALSE(manifest.exec_slots) << "nor this";
  ASSERT_EQ(manifest.tasks.size(), 1U);
  const TaskEntry& task = manifest.tasks[0];
  EXPECT_EQ(task.name, "video::resize");
  EXPECT_EQ(task.kind, TaskKind::task);
  EXPECT_EQ(task.fingerprint, 0xffU);
  EXPECT_EQ(task.timeout, std::chrono::seconds(60));
  EXPECT_EQ(task.retries, 2U);
  EXPECT_TRUE(task.idempotent);
  EXPECT_EQ(task.schema, "table Call {\n}\n");
}

TEST(Manifest, FindsTasksByNameAndFingerprint) {
  const std::string overload = replaced(kTask, "00ff", "0100");
  const auto manifest = parse(std::string(kHead) + kTask + overload).value();
  EXPECT_EQ(manifest.find("video::resize").size(), 2U);
  EXPECT_EQ(manifest.find(base::task_id("video::resize", 0x100)), &manifest.tasks[1]);
  EXPECT_EQ(manifest.find(base::task_id("video::resize", 0x101)), nullptr);
  EXPECT_TRUE(manifest.find("video::other").empty());
}

TEST(Manifest, IgnoresKeysOfNewerReleases) {
  EXPECT_TRUE(parse(std::string(kHead) + "later = [1, 2]\n" + kTask + "later = true\n"));
}

TEST(Manifest, OfAnOlderSdkDoesNotSayWhatCpuItNeeds) {
  EXPECT_EQ(parse(replaced(kHead, "cpu = \"x86-64-v2 avx\"\n", "")).value().cpu, "");
  expect_refused(replaced(kHead, "x86-64-v2 avx", std::string(limits::kNameMax + 1, 'x')), "\"cpu\" is too long");
  expect_refused(replaced(kHead, "x86-64-v2 avx", "x86\\u0000"), "\"cpu\" is too long or not plain text");
}

TEST(Manifest, RefusesAnotherManifestVersion) {
  expect_refused(replaced(kHead, "flame = 1", "flame = 2"), "rebuild the plugin", ErrorCode::incompatible);
}

TEST(Manifest, NamesTheMissingKeyAndItsPlace) {
  expect_refused(replaced(kHead, "name = \"video\"\n", ""), "lacks \"name\"");
  expect_refused(std::string(kHead) + replaced(kTask, "kind = \"task\"\n", ""), "lacks \"kind\" (line 11");
}

TEST(Manifest, RefusesWrongTypesAndValues) {
  const std::string task = kTask;
  expect_refused(replaced(kHead, "\"video\"", "7"), "\"name\" has the wrong type (line 2, column 8)");
  expect_refused(replaced(kHead, "\"video\"", "\"Video\""), "its name is not of the form");
  expect_refused(replaced(kHead, "1.4.0", "1.4"), "no semantic version");
  expect_refused(replaced(kHead, "abi = \"1.0\"", "abi = \"1\""), "not MAJOR.MINOR");
  expect_refused(kHead + replaced(task, "\"task\"", "\"function\""), "not task, method or child");
  expect_refused(kHead + replaced(task, "\"task\"", "\"method\""), "lacks \"object\"");
  expect_refused(kHead + replaced(task, "00ff", "00fg"), "16 hexadecimal digits");
  expect_refused(kHead + replaced(task, "00ff", "ff"), "16 hexadecimal digits");
  expect_refused(kHead + replaced(task, "60000000000", "-1"), "\"timeout_ns\" is out of range");
  expect_refused(kHead + replaced(task, "retries = 2", "retries = 101"), "\"retries\" is out of range");
  expect_refused(kHead + replaced(task, "video::resize", ""), "no valid name");
  expect_refused(kHead + replaced(task, "video::resize", std::string(limits::kNameMax + 1, 'x')), "no valid name");
  expect_refused(kHead + replaced(task, "table Call", "t\u00e4ble"), "non-ASCII");
}

TEST(Manifest, RefusesTheSameTaskTwice) {
  expect_refused(std::string(kHead) + kTask + kTask, "names video::resize twice");
}

TEST(Manifest, ReportsBrokenTomlWithItsPlace) {
  expect_refused("flame = = 1", "no valid TOML");
}

TEST(Manifest, RefusesATextOverTheLimit) {
  expect_refused(kHead + std::string(limits::kNoteBytesMax, '\n'), "exceeds 1 MiB");
}

TEST(Manifest, ChecksTheAbiAgainstThisRelease) {
  auto manifest = parse(kHead).value();
  manifest.sanitizer = detail::sanitizer_name();
  EXPECT_FALSE(check_abi(manifest));
  manifest.abi_major = 2;
  ASSERT_TRUE(check_abi(manifest));
  EXPECT_EQ(check_abi(manifest)->code, ErrorCode::incompatible);
  EXPECT_NE(check_abi(manifest)->message.find("rebuild the plugin"), std::string::npos);
  manifest.abi_major = 1;
  manifest.abi_minor = 9;
  ASSERT_TRUE(check_abi(manifest));
  EXPECT_NE(check_abi(manifest)->message.find("update flame"), std::string::npos);
}

TEST(Manifest, RefusesAnotherSanitizer) {
  auto manifest = parse(kHead).value();
  manifest.sanitizer = "memory";
  ASSERT_TRUE(check_abi(manifest));
  EXPECT_NE(check_abi(manifest)->message.find("build both alike"), std::string::npos);
}

}  // namespace
}  // namespace flame::manifest
