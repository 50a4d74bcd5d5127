// Text from slots made safe.
#include "runner/slots/printable.hpp"

#include <gtest/gtest.h>

namespace flame::slot {
namespace {

TEST(Printable, KeepsCleanTextOfAllLanguages) {
  EXPECT_EQ(printable("line\n\ttext"), "line\n\ttext");
  EXPECT_EQ(printable("gr\xc3\xb6\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xa5"),
            "gr\xc3\xb6\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xa5");
}

TEST(Printable, ReplacesControlCharacters) {
  EXPECT_EQ(printable(std::string_view("a\x1b[31m\0b\x7f", 9)), "a [31m b ");
}

TEST(Printable, ReplacesMalformedBytesOneByOne) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(printable("\xff"), mark);
  EXPECT_EQ(printable("\xc3"), mark);                                   // cut at the end
  EXPECT_EQ(printable("\xc0\xaf"), mark + mark);                        // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), mark + mark + mark);             // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), mark + mark + mark + mark);  // beyond Unicode
  EXPECT_EQ(printable("a\x80z"), "a" + mark + "z");
}

}  // namespace
}  // namespace flame::slot
