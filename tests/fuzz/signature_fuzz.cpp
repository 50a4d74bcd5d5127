// Any bytes as a key or a signature: refused with a message, or one whose text means the same. No signature that was
// not made with the key is ever taken for one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "host/src/plugins/signature.hpp"

namespace {

using namespace flame::pool;

void check(bool ok) {
  if (!ok) std::abort();
}

const Statement& statement() {
  static const Statement video{.name = "video", .version = "1.5.0", .digest = std::string(64, 'a')};
  return video;
}

const SecretKey& own_key() {
  static const SecretKey key = SecretKey::make().value();
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto shown = PublicKey::parse(text);
  check(shown ? PublicKey::parse(shown->text()).value() == *shown : !shown.error().message.empty());
  const auto secret = SecretKey::parse(text);
  check(secret ? secret->public_key().id().size() == 16 : !secret.error().message.empty());
  const auto signature = Signature::parse(text);
  check(signature ? signature->key.size() == 16 : !signature.error().message.empty());
  const std::vector<PublicKey> trusted = {own_key().public_key()};
  const SignedPlugin plugin{.statement = statement(), .file = "f", .signature_file = "f.sig", .signature = text};
  check(verify(plugin, trusted).has_error());
  return 0;
}
