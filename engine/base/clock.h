#pragma once

#include "engine/base/quantity.h"

namespace cambium {

// The wall clock, and a steady one for measuring. Implementations are safe on every thread.
class Clock {
 public:
  virtual ~Clock() noexcept(false) = default;

  // Time of day. May jump in either direction; nothing that must be safe depends on it.
  virtual TimestampMs now() const = 0;
  // Nanoseconds since an arbitrary moment, never going back.
  virtual int64_t steadyNs() const = 0;
};

// Random bytes, for identifiers. Safe on every thread.
class Entropy {
 public:
  virtual ~Entropy() noexcept(false) = default;

  virtual void generate(kj::ArrayPtr<kj::byte> buffer) const = 0;
};

}  // namespace cambium
