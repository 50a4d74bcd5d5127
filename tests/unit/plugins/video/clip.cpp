// Test clips by the ffmpeg program.
#include "tests/unit/plugins/video/clip.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace video_test {
namespace {

std::string output_of(const std::string& command) {
  struct Close {
    void operator()(std::FILE* file) const { pclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> pipe(popen(command.c_str(), "re"));
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string text;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

void make_clip(const std::string& path, const std::string& size, int seconds) {
  const std::string duration = std::to_string(seconds);
  const std::string said =
      output_of("ffmpeg -nostdin -loglevel error -y -f lavfi -i testsrc2=size=" + size +
                ":rate=25:duration=" + duration + " -f lavfi -i sine=duration=" + duration +
                " -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -shortest " + path + " 2>&1");
  if (!said.empty()) throw std::runtime_error("ffmpeg: " + said);
}

std::string probe(const std::string& path, const std::string& entry, const std::string& stream) {
  return output_of("ffprobe -v error -select_streams " + stream + " -show_entries stream=" + entry + " -of csv=p=0 " +
                   path);
}

}  // namespace video_test
