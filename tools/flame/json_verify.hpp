// Whether bytes are what a parsed schema says, so that a walk over them stays inside of them.
#pragma once

#include <flatbuffers/idl.h>

#include <cstddef>
#include <span>

namespace flame::cli {

/// Bounds of everything that `root` reaches in `buffer`, at most limits::kDepthMax deep, in at most as many steps as
/// the buffer has bytes (so shared objects cannot multiply). Not FlatBuffers' own verifier by reflection: it reads
/// outside of damaged buffers.
[[nodiscard]] bool is_sound(const flatbuffers::StructDef& root, std::span<const std::byte> buffer);

}  // namespace flame::cli
