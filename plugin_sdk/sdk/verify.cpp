// The verifier: one walk over a payload, driven by the description of its type.
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/detail/decoder.hpp>
#include <flame/error.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/sdk/payload_error.hpp"

namespace flame::detail {
namespace {

// One bit per number below `size`. Zeroed by calloc, so that untouched parts of a large set cost no memory.
class BitSet {
 public:
  explicit BitSet(std::size_t size) {
    if (size <= small_.size() * 64) return;
    large_.reset(static_cast<std::uint64_t*>(std::calloc(size / 64 + 1, sizeof(std::uint64_t))));
    if (large_ == nullptr) throw std::bad_alloc();
  }
  /// false if it was in the set already.
  bool insert(std::size_t value) {
    // A variable: g++ 12 with -fsanitize=undefined drops the index of what ?: yields.
    std::uint64_t* const words = large_ == nullptr ? small_.data() : large_.get();
    std::uint64_t& word = words[value / 64];
    const std::uint64_t bit = std::uint64_t{1} << (value % 64);
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }

 private:
  struct Free {
    void operator()(std::uint64_t* words) const noexcept { std::free(words); }
  };
  std::array<std::uint64_t, 16> small_{};
  std::unique_ptr<std::uint64_t[], Free> large_;
};

class Verifier {
 public:
  explicit Verifier(const PayloadView& payload)
      : data_(payload.table),
        size_(payload.table_size),
        frame_count_(payload.attachment_count),
        budget_(payload.table_size),
        starts_(payload.table_size / 4 + 1),
        frames_(payload.attachment_count + 1) {}

  bool root(const TypeDesc& type) {
    if (size_ < 8 || size_ >= 2 * limits::GiB) return wrong("the payload's size is not that of a table");
    return reference(0, type, 0);
  }

  [[nodiscard]] Error error(const TypeDesc& root) const {
    PayloadPath path(root);
    for (const Step& step : path_) step.field != nullptr ? path.field(step.field->name) : path.element(step.element);
    return payload_error(path, ErrorCode::invalid_argument,
                         std::string(problem_) +
                             "; the sender's encoding is damaged "
                             "or made for other types");
  }

 private:
  struct Step {
    const FieldDesc* field;
    std::size_t element;
  };

  bool wrong(std::string_view problem) {
    problem_ = problem;
    return false;
  }

  template <class U>
  [[nodiscard]] U load(std::size_t at) const {
    U value;
    std::memcpy(&value, data_ + at, sizeof value);
    return value;
  }

  // Bytes of an object that begins at `at`. Each byte of the payload pays for one byte of one object.
  bool claim(std::size_t at, std::size_t bytes) {
    if (bytes > size_ || at > size_ - bytes) return wrong("it reaches past the end of the payload");
    if (!starts_.insert(at / 4)) return wrong("it is used twice in the payload");
    if (bytes > budget_) return wrong("objects of the payload overlap");
    budget_ -= bytes;
    return true;
  }

  bool reference(std::size_t at, const TypeDesc& type, unsigned depth) {
    const std::uint32_t distance = load<std::uint32_t>(at);
    if (distance == 0 || distance > size_ - at || size_ - at - distance < 4) {
      return wrong("its offset leaves the payload");
    }
    const std::size_t target = at + distance;
    if (target % 4 != 0) return wrong("it is not aligned");
    switch (type.kind) {
      case Kind::string:
        return string(target);
      case Kind::vector:
        return vector(target, type, depth);
      default:
        return depth == kPayloadDepthMax ? wrong("it is nested deeper than 64 levels") : table(target, type, depth + 1);
    }
  }

  bool string(std::size_t at) {
    const std::size_t length = load<std::uint32_t>(at);
    if (!claim(at, 4 + length + 1)) return false;
    return data_[at + 4 + length] == std::byte{0} || wrong("its text does not end with a NUL");
  }

  bool vector(std::size_t at, const TypeDesc& type, unsigned depth) {
    const std::size_t count = load<std::uint32_t>(at);
    const TypeDesc& element = *type.element;
    const std::size_t element_size = inline_size(element.kind);
    if (!claim(at, 4 + count * element_size)) return false;
    if ((at + 4) % element_size != 0) return wrong("it is not aligned");
    if (type.sized && count != type.length) return wrong("it has the wrong number of elements for a std::array");
    if (is_inline(element.kind) && element.role == Role::plain) return true;
    path_.push_back({nullptr, 0});
    for (std::size_t i = 0; i < count; ++i) {
      path_.back().element = i;
      const std::size_t position = at + 4 + i * element_size;
      if (is_inline(element.kind) ? !value(position, element) : !reference(position, element, depth)) return false;
    }
    path_.pop_back();
    return true;
  }

  bool table(std::size_t at, const TypeDesc& type, unsigned depth) {
    const std::int64_t vtable_at = static_cast<std::int64_t>(at) - load<std::int32_t>(at);
    if (vtable_at < 0 || vtable_at % 2 != 0 || static_cast<std::uint64_t>(vtable_at) + 4 > size_) {
      return wrong("its table has no valid layout");
    }
    const auto vtable = static_cast<std::size_t>(vtable_at);
    const std::size_t vtable_size = load<std::uint16_t>(vtable);
    const std::size_t table_size = load<std::uint16_t>(vtable + 2);
    if (vtable_size < 4 || vtable_size % 2 != 0 || vtable_size > size_ - vtable || table_size < 4) {
      return wrong("its table has no valid layout");
    }
    if (!claim(at, table_size)) return false;
    std::size_t present = 0;
    for (std::size_t i = 0; i < type.field_count && 4 + 2 * i + 2 <= vtable_size; ++i) {
      const std::size_t offset = load<std::uint16_t>(vtable + 4 + 2 * i);
      if (offset == 0) continue;
      ++present;
      if (!field(type.fields[i], at, offset, table_size, depth)) return false;
    }
    return type.role != Role::variant || present == 1 || wrong("exactly one alternative of a variant must be present");
  }

  bool field(const FieldDesc& desc, std::size_t table, std::size_t offset, std::size_t table_size, unsigned depth) {
    path_.push_back({&desc, 0});
    const std::size_t bytes = inline_size(desc.type->kind);
    if (offset < 4 || offset + bytes > table_size) return wrong("it lies outside of its table");
    if ((table + offset) % bytes != 0) return wrong("it is not aligned");
    if (is_inline(desc.type->kind) ? !value(table + offset, *desc.type)
                                   : !reference(table + offset, *desc.type, depth)) {
      return false;
    }
    path_.pop_back();
    return true;
  }

  bool value(std::size_t at, const TypeDesc& type) {
    if (type.role == Role::attachment) return frame(load<std::uint32_t>(at));
    if (type.role == Role::enumeration) return enumerator(load_bits(data_ + at, type.kind), type);
    return true;
  }

  bool frame(std::uint32_t number) {
    if (number == 0) return true;
    if (number > frame_count_) return wrong("it names an attachment that was not sent");
    return frames_.insert(number) || wrong("it names an attachment that another value uses");
  }

  bool enumerator(std::uint64_t bits, const TypeDesc& type) {
    for (std::size_t i = 0; i < type.value_count; ++i) {
      if (type.values[i].value == bits) return true;
    }
    return wrong("it is none of the enumeration's values");
  }

  const std::byte* data_;
  std::size_t size_;
  std::size_t frame_count_;
  std::size_t budget_;
  BitSet starts_;
  BitSet frames_;
  std::vector<Step> path_;
  std::string_view problem_;
};

}  // namespace

bool verify(const PayloadView& payload, const TypeDesc& root, Error& error) {
  Verifier verifier(payload);
  if (verifier.root(root)) return true;
  error = verifier.error(root);
  return false;
}

}  // namespace flame::detail
