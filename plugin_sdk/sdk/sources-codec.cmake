# Sources of flame_sdk that encode, verify, decode and compare payloads.
target_sources(flame_sdk PRIVATE
  sdk/bytes.cpp
  sdk/compatible.cpp
  sdk/decoder.cpp
  sdk/encoder.cpp
  sdk/error.cpp
  sdk/object.cpp
  sdk/schema_parser.cpp
  sdk/verify.cpp)
