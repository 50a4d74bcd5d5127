// GenerationBook: which generations there may be, what is started and ended, and what the host is told, when.
#include "runner/policy/generation_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::runner {
namespace generation_book_test {

using testing::HasSubstr;

constexpr GenerationId kFirst = 0;

wire::PluginRef plugin(const std::string& version) {
  return {.name = "video", .version = version, .digest = "digest of " + version};
}

class GenerationBookTest : public testing::Test {
 protected:
  GenerationBookTest() {
    EXPECT_EQ(book.add(plugin("1")), kFirst);
    book.ready(kFirst);
  }
  void load(const std::string& version) {
    wire::Load message;
    message.plugin = {plugin(version)};
    book.load(message);
  }
  void end(const std::string& version) { book.end("digest of " + version); }
  void breaks(GenerationId id) { book.broken(id, base::make_error(ErrorCode::boot_failed, "no model")); }
  // "start 1", "end 1", "loaded 2", "refused 2 (incompatible)", "ended 2".
  std::string did() {
    std::string text;
    for (const GenerationAction& action : book.take_actions()) {
      if (!text.empty()) text += ", ";
      if (const auto* start = std::get_if<StartGeneration>(&action)) {
        text += "start " + std::to_string(start->id);
      } else if (const auto* ending = std::get_if<EndGeneration>(&action)) {
        text += "end " + std::to_string(ending->id);
      } else if (const auto* loaded = std::get_if<TellLoaded>(&action)) {
        last_error = loaded->error.message;
        const bool well = loaded->error.code == ErrorCode::none;
        text += (well ? "loaded " : "refused ") + loaded->digest.substr(10);
        if (!well) text += " (" + std::string(to_string(loaded->error.code)) + ")";
      } else if (const auto* ended = std::get_if<TellEnded>(&action)) {
        text += "ended " + ended->digest.substr(10);
      }
    }
    return text;
  }
  std::optional<GenerationId> find(const std::string& version) { return book.find("digest of " + version); }

  GenerationBook book;
  std::string last_error;
};

TEST_F(GenerationBookTest, OneThatIsReadyIsAnsweredAtOnce) {
  load("1");
  EXPECT_EQ(did(), "loaded 1");
}

TEST_F(GenerationBookTest, OneThatIsLoadedIsAnsweredOnceHoweverOftenItWasAskedFor) {
  load("2");
  load("2");
  EXPECT_EQ(did(), "start 1");
  EXPECT_TRUE(book.on_trial(1));
  EXPECT_FALSE(book.serves(1));
  book.ready(1);
  EXPECT_EQ(did(), "loaded 2");
  EXPECT_FALSE(book.on_trial(1));
  EXPECT_TRUE(book.serves(1));
  EXPECT_EQ(find("2"), 1u);
  EXPECT_EQ(find("1"), kFirst);
}

TEST_F(GenerationBookTest, OneOfTheStartThatIsStillLoadingIsNoTrial) {
  book.add({.name = "audio", .version = "7", .digest = "digest of 7"});
  load("7");
  EXPECT_EQ(did(), "");
  EXPECT_FALSE(book.on_trial(1));
  book.ready(1);
  EXPECT_EQ(did(), "loaded 7");
}

TEST_F(GenerationBookTest, OneThatBreaksOnTrialIsAnsweredWhenNothingIsLeftOfIt) {
  load("2");
  did();
  breaks(1);
  EXPECT_EQ(did(), "end 1");
  EXPECT_EQ(find("2"), std::nullopt);
  load("2");
  EXPECT_EQ(did(), "") << "it is tried anew after that";
  book.gone(1);
  EXPECT_EQ(did(), "refused 2 (boot_failed), start 2");
  EXPECT_EQ(last_error, "no model");
  book.ready(2);
  EXPECT_EQ(did(), "loaded 2");
  EXPECT_EQ(find("2"), 2u);
}

TEST_F(GenerationBookTest, OneThatBreaksLaterStaysListedAndIsReplacedWhenItIsAskedForAgain) {
  breaks(kFirst);
  EXPECT_EQ(did(), "");
  EXPECT_EQ(find("1"), kFirst);
  EXPECT_FALSE(book.serves(kFirst));
  load("1");
  EXPECT_EQ(did(), "end 0, start 1");
  book.ready(1);
  EXPECT_EQ(did(), "loaded 1");
  book.gone(kFirst);
  EXPECT_EQ(did(), "") << "the host did not ask for this end";
  EXPECT_EQ(find("1"), 1u);
}

TEST_F(GenerationBookTest, OneWhoseZygoteIsMadeAnewIsReadyWhenThatIsUp) {
  book.restarts(kFirst);
  load("1");
  EXPECT_EQ(did(), "");
  EXPECT_TRUE(book.serves(kFirst)) << "its slots live";
  book.ready(kFirst);
  EXPECT_EQ(did(), "loaded 1");
}

TEST_F(GenerationBookTest, AThirdOneOfAPluginIsRefusedAndTheTwoAreNamed) {
  load("2");
  did();
  load("3");
  EXPECT_EQ(did(), "refused 3 (incompatible)") << "while the second one loads, too";
  EXPECT_THAT(last_error, HasSubstr("video@1 (digest digest of 1) and video@2 (digest digest of 2)"));
  book.ready(1);
  end("1");
  did();
  load("3");
  EXPECT_EQ(did(), "refused 3 (incompatible)") << "the first one is still here";
  book.gone(kFirst);
  load("3");
  EXPECT_EQ(did(), "ended 1, start 2");
}

TEST_F(GenerationBookTest, OtherPluginsAndBrokenOnesDoNotCount) {
  book.add({.name = "audio", .version = "7", .digest = "digest of 7"});
  load("2");
  book.ready(1 + 1);
  did();
  breaks(kFirst);
  load("3");
  EXPECT_EQ(did(), "start 3");
}

TEST_F(GenerationBookTest, AnEndIsToldWhenNothingIsLeftAndOnce) {
  end("1");
  EXPECT_EQ(did(), "end 0");
  EXPECT_EQ(find("1"), std::nullopt);
  end("1");
  EXPECT_EQ(did(), "");
  EXPECT_TRUE(book.ends(kFirst));
  book.gone(kFirst);
  EXPECT_EQ(did(), "ended 1");
  book.gone(kFirst);
  EXPECT_EQ(did(), "");
  end("1");
  EXPECT_EQ(did(), "ended 1") << "there is none any more";
}

TEST_F(GenerationBookTest, OneThatEndsAndIsAskedForAgainIsLoadedAfterItsEnd) {
  end("1");
  load("1");
  EXPECT_EQ(did(), "end 0");
  book.ready(kFirst);
  EXPECT_EQ(did(), "") << "too late";
  book.gone(kFirst);
  EXPECT_EQ(did(), "ended 1, start 1") << "a number of its own";
  book.ready(1);
  EXPECT_EQ(did(), "loaded 1");
}

TEST_F(GenerationBookTest, AnEndRefusesTheLoadsBeforeIt) {
  load("2");
  did();
  end("2");
  EXPECT_EQ(did(), "refused 2 (cancelled), end 1");
  load("2");
  end("2");
  EXPECT_EQ(did(), "refused 2 (cancelled)");
  book.gone(1);
  EXPECT_EQ(did(), "ended 2");
}

TEST_F(GenerationBookTest, KnowsTheOthersOfAPlugin) {
  book.add({.name = "audio", .version = "7", .digest = "digest of 7"});
  load("2");
  EXPECT_EQ(book.others(2), std::vector<GenerationId>{kFirst});
  EXPECT_TRUE(book.others(1).empty());
}

}  // namespace generation_book_test
}  // namespace flame::runner
