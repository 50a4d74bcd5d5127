// Writes one FlatBuffers buffer from front to back: a table first, then what its fields refer to. Out of line, so that
// no translation unit of a user includes flatbuffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <flame/bytes.hpp>
#include <flame/detail/object.hpp>
#include <flame/detail/payload.hpp>

namespace flame::detail {

/// Not thread-safe; used once. Positions are offsets from the start of the buffer; a `reference` is the position of a
/// 32-bit offset that the object about to be written fills in. Throws CallError: see codec.hpp.
class Encoder {
 public:
  /// `sink` may be null: tracked objects then put their id() into the payload's resources. It outlives the encoder.
  explicit Encoder(ObjectSink* sink);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  static constexpr std::size_t kRoot = 0;  ///< the reference to the root table

  // A table: begin, then its fields in any order, then commit; afterwards what its offset fields refer to; then end.
  void begin_table();
  void add_inline(std::size_t field, std::uint64_t bits, std::size_t size);
  void add_reference(std::size_t field);
  std::size_t commit_table(std::size_t reference);
  void end_table();
  /// Position of an offset field of a committed table; the field was added.
  [[nodiscard]] std::size_t reference_at(std::size_t table, std::size_t field) const;

  void put_string(std::size_t reference, std::string_view text);
  /// Returns the position of the first of `count` zeroed elements.
  std::size_t put_vector(std::size_t reference, std::size_t count, std::size_t element_size);
  void put_vector_of(std::size_t reference, const void* elements, std::size_t count, std::size_t element_size);
  /// A nested buffer, aligned for any content.
  void put_nested(std::size_t reference, const void* data, std::size_t size);
  void store(std::size_t position, std::uint64_t bits, std::size_t size);

  [[nodiscard]] std::uint32_t attach(const Bytes& bytes);  ///< 1-based; 0 for empty bytes
  [[nodiscard]] std::uint32_t track(const ObjectHandle& object, std::string_view type_name);
  [[noreturn]] static void fail_valueless();

  /// The payload; the encoder is spent.
  [[nodiscard]] Payload finish();

 private:
  struct Field {
    std::uint64_t bits;
    std::uint32_t index;
    std::uint32_t size;
  };

  void reserve(std::size_t more);
  void align(std::size_t alignment, std::size_t offset = 0);
  void refer(std::size_t reference);
  std::size_t vtable_for(std::size_t table_size);

  ObjectSink* sink_;
  std::vector<std::byte> buffer_;
  std::vector<Field> fields_;
  std::vector<std::uint16_t> vtable_;
  std::vector<std::size_t> vtables_;  // positions of those written, for reuse
  std::vector<Bytes> attachments_;
  std::vector<std::uint64_t> resources_;
  unsigned depth_ = 0;
};

/// Sorts pointers to elements: `less(a, b)` compares what they point to.
void sort_pointers(const void** first, std::size_t count, bool (*less)(const void*, const void*));

}  // namespace flame::detail
