// Storage of flame::Bytes: what is shared, and when a copy is made.
#include <flame/bytes.hpp>

#include <cstring>
#include <utility>

namespace flame {
namespace {

// Not value-initialised: every byte is written by the caller.
std::shared_ptr<std::byte[]> copy_of(const void* data, std::size_t size) {
  std::shared_ptr<std::byte[]> storage(new std::byte[size]);
  std::memcpy(storage.get(), data, size);
  return storage;
}

}  // namespace

Bytes::Bytes(const void* data, std::size_t size) : size_(size), writable_(true) {
  if (size == 0) return;
  auto storage = copy_of(data, size);
  data_ = storage.get();
  owner_ = std::move(storage);
}

Bytes::Bytes(std::vector<std::byte> bytes) : size_(bytes.size()), writable_(true) {
  if (bytes.empty()) return;
  auto storage = std::make_shared<std::vector<std::byte>>(std::move(bytes));
  data_ = storage->data();
  owner_ = std::move(storage);
}

Bytes::Bytes(std::string&& bytes) : size_(bytes.size()), writable_(true) {
  if (bytes.empty()) return;
  auto storage = std::make_shared<std::string>(std::move(bytes));
  data_ = reinterpret_cast<const std::byte*>(storage->data());
  owner_ = std::move(storage);
}

Bytes::Bytes(std::shared_ptr<const void> owner, const std::byte* data, std::size_t size) noexcept
    : owner_(std::move(owner)), data_(data), size_(size) {}

std::byte* Bytes::data() {
  if (size_ != 0 && (!writable_ || owner_.use_count() != 1)) *this = Bytes(data_, size_);
  return const_cast<std::byte*>(data_);
}

bool operator==(const Bytes& a, const Bytes& b) noexcept {
  if (a.size_ != b.size_) return false;
  // memcmp must not see the null pointer of an empty buffer.
  return a.size_ == 0 || a.data_ == b.data_ || std::memcmp(a.data_, b.data_, a.size_) == 0;
}

}  // namespace flame
