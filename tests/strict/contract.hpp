// A contract with one of each kind, in a project that builds with every warning.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <flame/contract.hpp>

namespace strict {

enum class Codec : std::uint8_t { h264, av1 };
struct Video {
  std::string path;
  std::int32_t height = 0;
  Codec codec = Codec::h264;
};
struct Resized {
  std::string path;
  std::int64_t bytes = 0;
  double seconds = 0;
  float quality = 0;
  bool cached = false;
  std::vector<std::uint16_t> sizes;
  std::map<std::string, std::int8_t> marks;
  std::optional<std::uint64_t> checksum;
};
BOOST_DESCRIBE_STRUCT(Video, (), (path, height, codec))
BOOST_DESCRIBE_STRUCT(Resized, (), (path, bytes, seconds, quality, cached, sizes, marks, checksum))

class Index {
 public:
  explicit Index(std::string path) : path_(std::move(path)) {}
  std::vector<std::int64_t> query(std::string key) const;

 private:
  std::string path_;
};
class Transcoder {
 public:
  flame::Bytes push(flame::Bytes frame);
  std::int64_t frames() const noexcept;

 private:
  std::int64_t frames_ = 0;
};

Resized resize(flame::Context& context, Video video);
flame::Tracked<Index> open_index(flame::Context& context, std::string path);
std::unique_ptr<Transcoder> transcoder(std::string codec);
std::tuple<char, signed char, unsigned char, long, unsigned long, long long> numbers(std::variant<int, std::string> one,
                                                                                     std::pair<short, double> two);
int area(int side);
double area(double side);

}  // namespace strict
