// Where the store lies when nobody says.
#include "host/src/plugins/store/place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::store {
namespace place_test {

using ::testing::HasSubstr;

TEST(StorePlace, IsInTheUsersDataDirectory) {
  EXPECT_EQ(default_place({"/data", "/home/me"}).value(), "/data/flame/plugins");
  EXPECT_EQ(default_place({"/data", ""}).value(), "/data/flame/plugins");
  EXPECT_EQ(default_place({"", "/home/me"}).value(), "/home/me/.local/share/flame/plugins");
  EXPECT_EQ(default_place({"relative", "/home/me"}).value(), "/home/me/.local/share/flame/plugins");
}

TEST(StorePlace, NamesTheKeyWhenThereIsNone) {
  const auto place = default_place({});
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(place.error().message,
              HasSubstr("[plugins] store is \"auto\", the user's data directory, but HOME is not set"));
  EXPECT_THAT(place.error().message, HasSubstr("set HOME or XDG_DATA_HOME, or name a directory"));
  EXPECT_THAT(default_place({"", "home"}).error().message, HasSubstr("is \"home\", which is no absolute path"));
}

TEST(StorePlace, IsWhereTheSettingSays) {
  EXPECT_EQ(place_of("auto", {"/data", ""}).value(), "/data/flame/plugins");
  EXPECT_FALSE(place_of("auto", {}));
  EXPECT_EQ(place_of("/srv/./plugins", {}).value(), "/srv/plugins");
  EXPECT_EQ(place_of("plugins", {}).value(), std::filesystem::current_path() / "plugins");
  EXPECT_EQ(place_of("", {"/data", ""}).value(), "") << "there is none";
}

}  // namespace place_test
}  // namespace flame::store
