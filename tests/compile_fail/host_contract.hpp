// What the cases about calls through a pool call.
#pragma once

#include <memory>
#include <string>

#include <flame/host.hpp>

namespace m {
struct Index {
  int query(std::string key) const;
};
int add(int a, int b);
std::unique_ptr<Index> index(std::string path);
}  // namespace m
