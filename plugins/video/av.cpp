// libav error codes as text and as exceptions.
#include "plugins/video/av.hpp"

namespace video::av {

std::string message(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

int check(int code, const std::string& what) {
  if (code < 0) throw std::runtime_error(what + ": " + message(code));
  return code;
}

}  // namespace video::av
