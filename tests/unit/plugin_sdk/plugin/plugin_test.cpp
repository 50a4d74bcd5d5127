// FLAME_PLUGIN: the table it makes, the note it emits, and that both say the same. This program is the plugin.
#include <flame/plugin.hpp>

#include <gtest/gtest.h>

#include <flame/detail/plugin_identity.hpp>
#include <flame/version.hpp>

#include "plugin_sdk/manifest/cpu.hpp"
#include "plugin_sdk/manifest/elf_note.hpp"
#include "plugin_sdk/manifest/manifest.hpp"
#include "sample.hpp"

using namespace std::chrono_literals;

namespace sample {
void load_model(const flame::Parent&) {}
int devices = 0;
void close_device() {
  if (devices == 0) throw std::logic_error("no device is open");
  --devices;
}
void open_device() {
  throw std::runtime_error("no device");
}
int uploads = 0;
bool nothing_uploads() {
  if (uploads < 0) throw std::runtime_error("lost count");
  return uploads == 0;
}
}  // namespace sample

FLAME_PLUGIN("sample", "1.4.0-rc.1+test", p) {
  p.task<sample::resize_quality>({.timeout = 60s, .retries = 2, .idempotent = true});
  p.task<sample::open_index>().methods<&sample::Index::query, &sample::Index::base_value>();
  p.task<sample::open_index_again>().methods<&sample::Index::query>();
  p.task<sample::open_many>();
  p.object<sample::Index>().methods<&sample::Index::query>();
  p.task<sample::key_of>();
  p.child<sample::transcoder>().methods<&sample::Transcoder::push, &sample::Transcoder::frames>();
  p.task<flame::overload<int(int)>(sample::area)>();
  p.task<flame::overload<double(double)>(sample::area)>();
  p.start<sample::load_model>();
  p.start_slot<sample::open_device>();
  p.stop_slot<sample::close_device>();
  p.exec_slots();
  p.idle_check<sample::nothing_uploads>();
}

namespace {

const flame_plugin& plugin() {
  return *flame_plugin_entry_v1(FLAME_ABI_MINOR);
}

const flame_task* find(std::string_view name) {
  for (std::uint32_t i = 0; i < plugin().task_count; ++i) {
    if (plugin().tasks[i].name == name) return &plugin().tasks[i];
  }
  return nullptr;
}

// This program is position independent, so it has the ELF type of a plugin.
flame::manifest::Manifest own_manifest() {
  return flame::manifest::read("/proc/self/exe").value();
}

TEST(Plugin, FillsTheHeadOfTheTable) {
  EXPECT_EQ(plugin().struct_size, FLAME_PLUGIN_SIZE_V1_2);
  EXPECT_EQ(plugin().abi_major, FLAME_ABI_MAJOR);
  EXPECT_EQ(plugin().abi_minor, FLAME_ABI_MINOR);
  EXPECT_STREQ(plugin().name, "sample");
  EXPECT_STREQ(plugin().version, "1.4.0-rc.1+test");
  EXPECT_EQ(plugin().task_stride, FLAME_TASK_SIZE_V1_0);
}

TEST(Plugin, GivesTheSameConstantTableEachTime) {
  EXPECT_EQ(flame_plugin_entry_v1(0), flame_plugin_entry_v1(7));
}

TEST(Plugin, ListsTasksChildrenAndMethods) {
  const flame_task* resize = find("sample::resize_quality");
  ASSERT_NE(resize, nullptr);
  EXPECT_EQ(resize->flags, FLAME_TASK_IDEMPOTENT);
  EXPECT_EQ(resize->object, nullptr);
  const flame_task* query = find("sample::Index::query");
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->flags, FLAME_TASK_METHOD);
  EXPECT_STREQ(query->object->name, "sample::Index");
  const flame_task* transcoder = find("sample::transcoder");
  ASSERT_NE(transcoder, nullptr);
  EXPECT_EQ(transcoder->flags, FLAME_TASK_CHILD);
  EXPECT_STREQ(transcoder->object->name, "sample::Transcoder");
}

TEST(Plugin, NamesAnInheritedMethodAfterTheObjectsType) {
  ASSERT_NE(find("sample::Index::base_value"), nullptr);
  EXPECT_EQ(find("sample::Base::base_value"), nullptr);
}

TEST(Plugin, CountsARepeatedMethodOnce) {
  int queries = 0;
  for (std::uint32_t i = 0; i < plugin().task_count; ++i) {
    queries += std::string_view(plugin().tasks[i].name) == "sample::Index::query" ? 1 : 0;
  }
  EXPECT_EQ(queries, 1);
  EXPECT_EQ(plugin().task_count, 12U);
}

TEST(Plugin, RunIsSetOnlyForChildrenThatHaveOne) {
  EXPECT_EQ(find("sample::transcoder")->object->run, nullptr);
}

TEST(Plugin, PutsTheSameIntoTheNote) {
  const auto manifest = own_manifest();
  EXPECT_EQ(manifest.name, plugin().name);
  EXPECT_EQ(manifest.version.to_string(), plugin().version);
  EXPECT_EQ(manifest.abi_major, FLAME_ABI_MAJOR);
  EXPECT_EQ(manifest.sdk, FLAME_VERSION);
  EXPECT_EQ(manifest.sanitizer, flame::detail::sanitizer_name());
  EXPECT_TRUE(manifest.has_start);
  EXPECT_TRUE(manifest.has_start_slot);
  EXPECT_TRUE(manifest.has_stop_slot);
  EXPECT_TRUE(manifest.has_idle_check);
  EXPECT_TRUE(manifest.exec_slots);
  ASSERT_EQ(manifest.tasks.size(), plugin().task_count);
  for (std::size_t i = 0; i < manifest.tasks.size(); ++i) {
    EXPECT_EQ(manifest.tasks[i].name, plugin().tasks[i].name);
    EXPECT_EQ(manifest.tasks[i].fingerprint, plugin().tasks[i].fingerprint);
    EXPECT_NE(manifest.tasks[i].schema.find("table Call"), std::string::npos);
  }
  EXPECT_FALSE(flame::manifest::check_abi(manifest));
#if defined(__x86_64__)
  EXPECT_TRUE(manifest.cpu.starts_with("x86-64")) << manifest.cpu;
#endif
  EXPECT_FALSE(flame::manifest::check_cpu(manifest, flame::detail::compiled_cpu()));
}

TEST(Plugin, AsksItsIdleCheck) {
  char message[64] = {};
  EXPECT_EQ(plugin().struct_size, FLAME_PLUGIN_SIZE_V1_2);
  EXPECT_EQ(plugin().idle_check(nullptr, message, sizeof(message)), 1);
  sample::uploads = 2;
  EXPECT_EQ(plugin().idle_check(nullptr, message, sizeof(message)), 0);
  sample::uploads = -1;
  EXPECT_EQ(plugin().idle_check(nullptr, message, sizeof(message)), -1);
  EXPECT_STREQ(message, "std::runtime_error: lost count");
  sample::uploads = 0;
}

TEST(Plugin, StopsItsSlots) {
  char message[64] = {};
  EXPECT_EQ(plugin().flags, FLAME_PLUGIN_EXEC_SLOTS);
  sample::devices = 2;
  EXPECT_EQ(plugin().stop_slot(nullptr, message, sizeof(message)), FLAME_OK);
  EXPECT_EQ(sample::devices, 1);
  sample::devices = 0;
  EXPECT_EQ(plugin().stop_slot(nullptr, message, sizeof(message)), FLAME_TASK_FAILED);
  EXPECT_STREQ(message, "std::logic_error: no device is open");
}

TEST(Plugin, PutsOptionsIntoTheNote) {
  const auto manifest = own_manifest();
  const auto* resize = manifest.find("sample::resize_quality").at(0);
  EXPECT_EQ(resize->timeout, 60s);
  EXPECT_EQ(resize->retries, 2U);
  EXPECT_TRUE(resize->idempotent);
  EXPECT_EQ(resize->schema, flame::detail::Callee<sample::resize_quality>::schema);
  EXPECT_EQ(manifest.find("sample::Index::query").at(0)->object, "sample::Index");
}

TEST(Plugin, TellsOverloadsApartByFingerprint) {
  const auto manifest = own_manifest();
  ASSERT_EQ(manifest.find("sample::area").size(), 2U);
  EXPECT_NE(manifest.find("sample::area")[0]->fingerprint, manifest.find("sample::area")[1]->fingerprint);
}

TEST(Plugin, StartHooksReportTheirException) {
  char message[64] = "untouched";
  EXPECT_EQ(plugin().start(nullptr, message, sizeof(message)), FLAME_OK);
  EXPECT_EQ(plugin().start_slot(nullptr, message, sizeof(message)), FLAME_TASK_FAILED);
  EXPECT_STREQ(message, "std::runtime_error: no device");
  char small[8];
  EXPECT_EQ(plugin().start_slot(nullptr, small, sizeof(small)), FLAME_TASK_FAILED);
  EXPECT_STREQ(small, "std::ru");
}

TEST(Plugin, VersionOfTheHeadersIsTheProjects) {
  EXPECT_STREQ(FLAME_VERSION, FLAME_TEST_PROJECT_VERSION);
}

TEST(Plugin, ChecksVersionsAtCompileTime) {
  using flame::detail::is_semantic_version;
  static_assert(is_semantic_version("1.4.0") && is_semantic_version("1.0.0-rc.1+a.01"));
  static_assert(!is_semantic_version("1.4") && !is_semantic_version("01.0.0") && !is_semantic_version("1.0.0-01"));
  static_assert(!is_semantic_version("1.0.0-") && !is_semantic_version("1.0.0+") && !is_semantic_version("1.0.0.0"));
}

}  // namespace
