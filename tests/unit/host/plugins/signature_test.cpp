// Signatures: made, verified, and everything that may be wrong with their texts.
#include "host/src/plugins/signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace flame::pool::signature_test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

const std::string kDigest(64, 'a');

SecretKey new_key() {
  return SecretKey::make().value();
}

std::string text_of(const SecretKey& key) {
  const auto text = key.text();
  return text.data();
}

SignedPlugin video(std::optional<std::string> signature) {
  return {.statement = {.name = "video", .version = "1.5.0", .digest = kDigest},
          .file = "/p/video.so",
          .signature_file = "/p/video.so.sig",
          .signature = std::move(signature)};
}

// The message of a refusal, or the id of the key that signed.
std::string verdict(const SignedPlugin& plugin, const std::vector<PublicKey>& trusted) {
  const auto key = verify(plugin, trusted);
  if (key) return *key;
  EXPECT_EQ(key.error().code, ErrorCode::incompatible);
  return key.error().message;
}

TEST(Signature, BindsNameVersionAndDigest) {
  EXPECT_EQ(video(std::nullopt).statement.text(),
            "flame-plugin-v1\nname=video\nversion=1.5.0\nsha256=" + kDigest + "\n");
}

TEST(Signature, OfATrustedKeyIsAccepted) {
  const SecretKey key = new_key();
  const auto plugin = video(key.sign(video(std::nullopt).statement));
  EXPECT_EQ(verdict(plugin, {new_key().public_key(), key.public_key()}), key.public_key().id());
}

TEST(Signature, DoesNotHoldForAnythingElseThanWhatWasSigned) {
  const SecretKey key = new_key();
  const std::string signature = key.sign(video(std::nullopt).statement);
  const std::vector<SignedPlugin> others = {
      {{"audio", "1.5.0", kDigest}, "/p/video.so", "/p/video.so.sig", signature},
      {{"video", "1.5.1", kDigest}, "/p/video.so", "/p/video.so.sig", signature},
      {{"video", "1.5.0", std::string(63, 'a') + "b"}, "/p/video.so", "/p/video.so.sig", signature}};
  for (const SignedPlugin& other : others)
    EXPECT_EQ(verdict(other, {key.public_key()}),
              "the signature \"/p/video.so.sig\" by the key " + key.public_key().id() +
                  " does not belong to \"/p/video.so\" as " + other.statement.name + "@" + other.statement.version +
                  ": the file was changed after it had been signed, or was signed as another plugin or version. Take "
                  "both files anew from where they were made, or sign this one");
}

TEST(Signature, ThatIsMissingIsNamedWithItsFile) {
  EXPECT_EQ(verdict(video(std::nullopt), {new_key().public_key()}),
            "\"/p/video.so\" is not signed: there is no \"/p/video.so.sig\". Sign it with `flame plugin sign`, or take "
            "the signature from where the plugin was made");
}

TEST(Signature, OfAnotherKeyNamesThatOneAndTheTrustedOnes) {
  const SecretKey stranger = new_key();
  const PublicKey one = new_key().public_key();
  const PublicKey two = new_key().public_key();
  const auto plugin = video(stranger.sign(video(std::nullopt).statement));
  EXPECT_EQ(verdict(plugin, {one, two}),
            "\"/p/video.so\" is signed by the key " + stranger.public_key().id() +
                ", which is not trusted; trusted: " + one.id() + ", " + two.id() +
                ". Sign it with a trusted key, or add its public key to [plugins] trusted_keys");
  EXPECT_THAT(verdict(plugin, {}), HasSubstr("which is not trusted; no key is. "));
}

TEST(Signature, ThatClaimsToBeOfATrustedKeyIsNotBelieved) {
  const SecretKey stranger = new_key();
  const PublicKey trusted = new_key().public_key();
  std::string forged = stranger.sign(video(std::nullopt).statement);
  forged.replace(forged.find(stranger.public_key().id()), 16, trusted.id());
  EXPECT_THAT(verdict(video(forged), {trusted}), HasSubstr("does not belong to"));
}

TEST(Signature, ThatCannotBeReadIsNamedWithItsFile) {
  const SecretKey key = new_key();
  EXPECT_EQ(
      verdict(video("nonsense"), {key.public_key()}),
      "\"/p/video.so.sig\" does not hold a signature of flame. It has to be the signature of \"/p/video.so\": sign "
      "that with `flame plugin sign`");
}

TEST(Signature, IsDamagedByEveryBitThatChanges) {
  const SecretKey key = new_key();
  const std::string signature = key.sign(video(std::nullopt).statement);
  for (std::size_t i = 0; i + 1 < signature.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = signature;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
      EXPECT_FALSE(verify(video(changed), std::vector{key.public_key()})) << i << " " << bit;
    }
  }
}

TEST(Signature, ThatIsCutOffIsNoneAtAll) {
  const std::string signature = new_key().sign(video(std::nullopt).statement);
  for (std::size_t size = 0; size + 1 < signature.size(); ++size)
    EXPECT_FALSE(Signature::parse(signature.substr(0, size))) << size;
  EXPECT_TRUE(Signature::parse(signature));
  EXPECT_TRUE(Signature::parse(signature.substr(0, signature.size() - 1))) << "the newline may be missing";
  EXPECT_FALSE(Signature::parse(signature + "x"));
  EXPECT_FALSE(Signature::parse(signature + signature));
}

TEST(Signature, HasALimitOfBytes) {
  const std::string signature = new_key().sign(video(std::nullopt).statement);
  const auto large = Signature::parse(signature + std::string(limits::kKeyTextMax, 'A'));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().message, "is too large to be a signature of flame");
}

TEST(KeyText, IsOneLineThatGivesTheKeyBack) {
  const SecretKey key = new_key();
  const PublicKey shown = key.public_key();
  EXPECT_THAT(shown.text(), MatchesRegex("flame-public-key-v1 [0-9a-f]{16} [A-Za-z0-9+/]{43}="));
  EXPECT_EQ(PublicKey::parse(shown.text() + "\r\n").value(), shown);
  EXPECT_THAT(text_of(key), MatchesRegex("flame-secret-key-v1 [0-9a-f]{16} [A-Za-z0-9+/]{43}=\n"));
  const SecretKey again = SecretKey::parse(text_of(key)).value();
  EXPECT_EQ(again.public_key(), shown);
  EXPECT_EQ(again.sign(video(std::nullopt).statement), key.sign(video(std::nullopt).statement));
}

TEST(KeyText, OfTwoKeysDiffers) {
  EXPECT_NE(text_of(new_key()), text_of(new_key()));
}

// A key that was made elsewhere: RFC 8032, 7.1, test 1.
TEST(KeyText, IsOfTheEd25519ThatOthersKnow) {
  const auto key =
      SecretKey::parse("flame-secret-key-v1 21fe31dfa154a261 nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_THAT(key->public_key().text(), StartsWith("flame-public-key-v1 21fe31dfa154a261 "
                                                   "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
}

TEST(KeyText, SaysWhatItHoldsInstead) {
  const SecretKey key = new_key();
  const std::string shown = key.public_key().text();
  const auto secret_problem = [](const std::string& text) { return SecretKey::parse(text).error().message; };
  const auto public_problem = [](const std::string& text) { return PublicKey::parse(text).error().message; };
  EXPECT_EQ(secret_problem(shown), "holds a public key, not a secret key");
  EXPECT_EQ(public_problem(text_of(key)), "holds a secret key, not a public key");
  EXPECT_EQ(public_problem(key.sign(video(std::nullopt).statement)), "holds a signature, not a public key");
  EXPECT_EQ(public_problem(""), "is empty; it should hold a public key of flame");
  EXPECT_EQ(public_problem("\n"), "is empty; it should hold a public key of flame");
  EXPECT_EQ(public_problem("flame-public-key-v2 x y"),
            "holds a public key of another version of flame; make it with this version");
  for (const char* other : {"-----BEGIN PRIVATE KEY-----\nMC4C", "ssh-ed25519 AAAA", "untrusted comment: x\nRW"})
    EXPECT_EQ(secret_problem(other),
              "holds a key or signature of another program (OpenSSL, OpenSSH, minisign); flame has its own, see `flame "
              "plugin keygen`");
  EXPECT_EQ(secret_problem("password"), "does not hold a secret key of flame") << "and does not show it";
}

TEST(KeyText, ThatIsDamagedAnywhereIsNoticed) {
  const SecretKey key = new_key();
  for (const std::string& text : {key.public_key().text(), text_of(key)}) {
    const bool is_public = text.starts_with("flame-public");
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
      const std::string cut = text.substr(0, size);
      EXPECT_TRUE(is_public ? PublicKey::parse(cut).has_error() : SecretKey::parse(cut).has_error()) << size;
      std::string changed = text;
      changed[size] = changed[size] == 'b' ? 'c' : 'b';
      EXPECT_TRUE(is_public ? PublicKey::parse(changed).has_error() : SecretKey::parse(changed).has_error()) << size;
    }
  }
  EXPECT_EQ(PublicKey::parse(key.public_key().text().substr(0, 50)).error().message,
            "holds a public key that is cut off or damaged; take it from where it was made");
  EXPECT_TRUE(PublicKey::parse("flame-public-key-v1 0123456789abcdef \xc3\xa4").has_error());
}

// The bytes of a T whose life has ended.
template <class T>
std::string remains_of(T&& value) {
  alignas(T) unsigned char memory[sizeof(T)];
  T* const copy = ::new (memory) T(std::forward<T>(value));
  copy->~T();
  return {reinterpret_cast<const char*>(memory), sizeof(memory)};
}

TEST(Wiped, MemoryIsZeroWhenItsOwnerHasGoneOrMovedOn) {
  EXPECT_EQ(remains_of(new_key()), std::string(sizeof(SecretKey), '\0'));
  Wiped<char, 8> text;
  std::memcpy(text.data(), "secret", 6);
  Wiped<char, 8> other(std::move(text));
  EXPECT_STREQ(other.data(), "secret");
  EXPECT_EQ(std::string(text.data(), text.size()), std::string(8, '\0'));
  text = std::move(other);
  EXPECT_STREQ(text.data(), "secret");
  EXPECT_EQ(std::string(other.data(), other.size()), std::string(8, '\0'));
}

}  // namespace
}  // namespace flame::pool::signature_test
