#pragma once

#include "engine/broker/broker.h"

namespace cambium {

// Several doors of one loop as one. Each door that is in it outlives the cut of all.
class DoorGroup final : public Door {
 public:
  explicit DoorGroup(kj::Vector<kj::Own<Door>> doors) : doors_(kj::mv(doors)) {}

  kj::Promise<void> drain() override {
    return all([](Door& door) { return door.drain(); });
  }
  kj::Promise<void> cut() override {
    return all([](Door& door) { return door.cut(); });
  }

 private:
  kj::Promise<void> all(kj::FunctionParam<kj::Promise<void>(Door&)> step) {
    kj::Vector<kj::Promise<void>> steps;
    for (auto& door : doors_)
      steps.add(step(*door));
    return kj::joinPromises(steps.releaseAsArray());
  }

  kj::Vector<kj::Own<Door>> doors_;
};

}  // namespace cambium
