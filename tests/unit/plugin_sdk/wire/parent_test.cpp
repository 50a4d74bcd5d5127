// FLAME_PARENT: every field survives, base64 goes both ways, wrong values are refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tests/unit/plugin_sdk/wire/samples.hpp"
#include "tests/unit/plugin_sdk/wire/structural.hpp"

namespace flame::wire {
namespace parent_test {

using testing::HasSubstr;

std::string refusal(const Parent& parent) {
  const auto decoded = decode_parent(encode_parent(parent));
  return decoded ? "it was accepted" : decoded.error().message;
}

TEST(ParentTable, CarriesEveryField) {
  const Parent parent = test::sample_parent();
  const std::string bytes = encode_parent(parent);
  EXPECT_THAT(test::unset_fields(*fb::GetParent(bytes.data())), testing::IsEmpty());
  const auto decoded = decode_parent(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, parent);
}

TEST(ParentTable, SurvivesBase64) {
  const std::string bytes = encode_parent(test::sample_parent());
  EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  EXPECT_EQ(to_base64("FLAME"), "RkxBTUU=");
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(from_base64(""), "");
}

TEST(ParentTable, RefusesTextThatIsNoBase64) {
  for (const char* text : {"RkxBTUU", "RkxBTUU=x", "R kx", "\xff\xff\xff\xff", "RkxBTUU=="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(ParentTable, RefusesWhatAHostWouldNotWrite) {
  EXPECT_THAT(decode_parent("garbage").error().message, HasSubstr("FLAME_PARENT"));
  EXPECT_THAT(decode_parent(std::string(limits::kParentMax + 1, 'x')).error().message, HasSubstr("too long"));
  Parent parent = test::sample_parent();
  parent.secret_key = "short";
  EXPECT_THAT(refusal(parent), HasSubstr("parent.secret_key"));
  parent = test::sample_parent();
  parent.bulk.pop_back();
  EXPECT_THAT(refusal(parent), HasSubstr("parent.bulk"));
  parent = test::sample_parent();
  parent.plugins[0].digest = "../x";
  EXPECT_THAT(refusal(parent), HasSubstr("parent.plugins.digest"));
  parent = test::sample_parent();
  parent.failsafe_ns = -2;
  EXPECT_THAT(refusal(parent), HasSubstr("parent.failsafe_ns"));
}

TEST(ParentTable, HasRoomForTheLargestConfiguration) {
  const std::string name(limits::kNameMax, 'n');
  Parent parent = test::sample_parent();
  parent.host_name = parent.pool = parent.runner = parent.backend = name;
  parent.control.assign(limits::kEndpointsMax, std::string(limits::kEndpointMax, 'e'));
  parent.bulk = parent.control;
  const std::string short_name(64, 'p');  // what a manifest may have as a name and as a version
  parent.plugins.assign(limits::kPoolPluginsMax,
                        {.name = short_name, .version = short_name, .digest = std::string(64, 'a')});
  const std::size_t each = limits::kTaskSecretsBytesMax / limits::kTaskSecretsMax;
  parent.secrets.assign(limits::kTaskSecretsMax, {.key = "NAME", .value = std::string(each - 4, 'v')});
  const auto decoded = decode_parent(encode_parent(parent));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, parent);
}

TEST(ParentTable, RefusesMoreThanTheLargestConfiguration) {
  Parent parent = test::sample_parent();
  parent.control.assign(limits::kEndpointsMax + 1, "e");
  EXPECT_THAT(refusal(parent), HasSubstr("\"parent.control\" has more"));
  parent = test::sample_parent();
  parent.bulk[0].assign(limits::kEndpointMax + 1, 'e');
  EXPECT_THAT(refusal(parent), HasSubstr("\"parent.bulk\" is longer"));
  parent = test::sample_parent();
  parent.pool.assign(limits::kNameMax + 1, 'n');
  EXPECT_THAT(refusal(parent), HasSubstr("\"parent.pool\" is longer"));
}

TEST(ParentTable, RefusesMoreSecretsThanAPoolMayHave) {
  Parent parent = test::sample_parent();
  parent.secrets.assign(limits::kTaskSecretsMax + 1, {.key = "A", .value = "hush"});
  EXPECT_THAT(refusal(parent),
              testing::AllOf(HasSubstr("\"parent.secrets\" has more"), testing::Not(HasSubstr("hush"))));
}

TEST(ParentTable, AnErrorNeverShowsAKey) {
  Parent parent = test::sample_parent();
  parent.secret_key = "sssssecret";
  EXPECT_THAT(refusal(parent), testing::Not(HasSubstr("sssssecret")));
}

}  // namespace parent_test
}  // namespace flame::wire
