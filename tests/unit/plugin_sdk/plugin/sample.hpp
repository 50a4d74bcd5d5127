// Contract of the plugin that plugin_test.cpp is: DESIGN's example and what the other tests of this folder need.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <flame/contract.hpp>

namespace sample {

struct Video {
  std::string path;
  std::int32_t height;
};
struct Resized {
  std::string path;
  std::int64_t bytes;
  double seconds;
};
BOOST_DESCRIBE_STRUCT(Video, (), (path, height))
BOOST_DESCRIBE_STRUCT(Resized, (), (path, bytes, seconds))

struct Base {
  int before = 11;
  int base_value() const;
};
struct Padding {
  virtual ~Padding() = default;
  int padding = 0;
};
struct Index : Padding, Base {  // Base is not at the start of the object
  explicit Index(std::string key_in);
  ~Index() override;
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;
  std::vector<std::int64_t> query(std::string key) const;
  std::string key;
  static int alive;
};
struct Transcoder {
  explicit Transcoder(std::string codec_in) : codec(std::move(codec_in)) {}
  flame::Bytes push(flame::Bytes frame);
  std::int64_t frames() const noexcept;
  std::string codec;
  std::int64_t count = 0;
};

Resized resize_quality(flame::Context&, Video);
flame::Tracked<Index> open_index(flame::Context&, std::string path);
flame::Tracked<Index> open_index_again(flame::Context&, std::string path);
std::vector<flame::Tracked<Index>> open_many(flame::Context&, std::int32_t count);
std::string key_of(flame::Tracked<Index> index);
std::unique_ptr<Transcoder> transcoder(std::string codec);
std::unique_ptr<Transcoder> no_transcoder();

int area(int side);
double area(double radius);
void nothing();
flame::Bytes reversed(flame::Bytes bytes);
std::unique_ptr<Transcoder> failing_transcoder();

// What Context tells.
std::string wait_for_stop(flame::Context&);
std::string poll_for_stop(flame::Context&);
std::int64_t remaining_ms(flame::Context&);
std::uint32_t attempt(flame::Context&);
void talk(flame::Context&);
std::string whose(flame::Context&);

// Exceptions.
void throw_standard();
void throw_nested();
void throw_int();
void throw_no_memory();
void throw_unprintable();

}  // namespace sample
