// The contract that the codec tests call: every family of the mapping at least once.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <flame/contract.hpp>

namespace work {

enum class Color : std::int16_t { red = 5, green = -2, blue = 9 };
BOOST_DESCRIBE_ENUM(Color, red, green, blue)
enum class Level : std::uint8_t { low, high };
BOOST_DESCRIBE_ENUM(Level, low, high)
enum class Raw : std::uint32_t { a = 7 };
enum class Switch : bool { off, on };

struct Point {
  double x = 1;
  double y = 2;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Shape {
  std::string name;
  std::vector<Point> points;
  std::vector<std::vector<std::int32_t>> tags;
  std::optional<std::string> note;
  std::optional<Color> color;
  Level level = Level::high;
  friend bool operator==(const Shape&, const Shape&) = default;
};
BOOST_DESCRIBE_STRUCT(Shape, (), (name, points, tags, note, color, level))

struct Base {
  std::int32_t id = 0;
};
BOOST_DESCRIBE_STRUCT(Base, (), (id))
struct Derived : Base {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Derived, (Base), (text))

class Account {
 public:
  Account() = default;
  Account(std::string owner, std::int64_t cents) : owner_(std::move(owner)), cents_(cents) {}
  friend bool operator==(const Account&, const Account&) = default;

 private:
  std::string owner_;
  std::int64_t cents_ = 0;
  BOOST_DESCRIBE_CLASS(Account, (), (), (), (owner_, cents_))
};

struct Tree {
  std::string name;
  std::vector<Tree> children;
  friend bool operator==(const Tree&, const Tree&) = default;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (name, children))

template <class T>
struct Box {
  T value{};
  std::vector<Box<T>> more;
  friend bool operator==(const Box&, const Box&) = default;
};

struct MoveOnly {
  std::string text;
  MoveOnly() = default;
  explicit MoveOnly(std::string t) : text(std::move(t)) {}
  MoveOnly(MoveOnly&&) = default;
  MoveOnly& operator=(MoveOnly&&) = default;
  MoveOnly(const MoveOnly&) = delete;
  MoveOnly& operator=(const MoveOnly&) = delete;
  ~MoveOnly() = default;
};
BOOST_DESCRIBE_STRUCT(MoveOnly, (), (text))

struct Frame {
  std::string codec;
  flame::Bytes data;
  std::vector<flame::Bytes> planes;
};
BOOST_DESCRIBE_STRUCT(Frame, (), (codec, data, planes))

struct Index {
  std::int32_t offset = 10;
  std::int32_t query(const std::string& key) const { return offset + static_cast<std::int32_t>(key.size()); }
  virtual ~Index() = default;
  virtual std::string name() const noexcept { return "index"; }
};
struct Other {
  std::int64_t padding = 3;
  void reset() & {}
};
struct FancyIndex : Other, Index {};

using Variant = std::variant<std::monostate, std::int32_t, std::string, Shape, std::optional<std::int32_t>>;

struct Everything {
  bool flag = false;
  std::int8_t i8 = 0;
  std::uint8_t u8 = 0;
  std::int16_t i16 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::uint32_t u32 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  float f32 = 0;
  double f64 = 0;
  char letter = 0;
  char32_t rune = 0;
  Color color{};
  Raw raw{};
  Switch power{};
  std::string text;
  std::filesystem::path path;
  std::vector<bool> bits;
  std::vector<std::uint8_t> bytes;
  std::vector<double> numbers;
  std::vector<Color> colors;
  std::vector<std::string> texts;
  std::array<std::int16_t, 3> triple{};
  std::array<std::string, 2> pair_of_texts{};
  std::optional<std::int32_t> maybe;
  std::optional<bool> perhaps;
  std::optional<std::optional<std::int32_t>> doubly;
  std::vector<std::optional<std::string>> gaps;
  std::optional<std::vector<std::int32_t>> list;
  Variant variant;
  std::vector<Variant> variants;
  std::pair<std::int32_t, std::string> pair;
  std::tuple<std::int32_t, double, std::string> tuple;
  std::map<std::string, std::vector<std::int32_t>> by_name;
  std::map<Color, std::string> by_color;
  std::map<std::pair<std::int32_t, std::int32_t>, std::string> by_pair;
  std::unordered_map<std::string, Point> lookup;
  std::set<std::int32_t> set;
  std::unordered_set<std::string> bag;
  std::set<std::vector<std::int32_t>> sets;
  friend bool operator==(const Everything&, const Everything&) = default;
};
BOOST_DESCRIBE_STRUCT(Everything, (),
                      (flag, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, letter, rune, color, raw, power, text,
                       path, bits, bytes, numbers, colors, texts, triple, pair_of_texts, maybe, perhaps, doubly, gaps,
                       list, variant, variants, pair, tuple, by_name, by_color, by_pair, lookup, set, bag, sets))
struct EverythingElse {
  std::chrono::milliseconds wait{};
  std::chrono::duration<double> span{};
  std::chrono::system_clock::time_point when{};
  std::vector<std::chrono::seconds> waits;
  Shape shape;
  std::optional<Shape> maybe_shape;
  Tree tree;
  Account account;
  Box<std::int32_t> box;
  friend bool operator==(const EverythingElse&, const EverythingElse&) = default;
};

Everything echo(flame::Context&, Everything value);
EverythingElse echo_else(const EverythingElse& value);
std::int32_t add(std::int32_t a, std::int32_t b) noexcept;
double scale(Point point, double factor);
std::size_t length(std::string_view text, const std::string& more);
MoveOnly hand_over(MoveOnly&& value, std::vector<MoveOnly> more);
flame::Bytes reverse(flame::Bytes bytes);
Frame recode(flame::Context&, Frame frame);
flame::Tracked<Index> open(flame::Context&, std::string path);
std::vector<flame::Tracked<Index>> open_all(std::map<std::string, std::optional<flame::Tracked<Index>>> known);
std::unique_ptr<Index> make_index(std::string codec);
void nothing();
Variant choose(Variant value);
double area(double radius);
double area(double width, double height);
template <class T>
T twice(T value) {
  return value + value;
}
inline namespace v2 {
std::int32_t inlined(std::int32_t value);
}

}  // namespace work

template <>
inline constexpr std::string_view flame::name_for<work::twice<std::int32_t>> = "work::twice_int";
template <>
inline constexpr std::string_view flame::name_for<work::inlined> = "work::inlined";
