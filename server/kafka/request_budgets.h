#pragma once

#include "engine/base/byte_budget.h"
#include "server/kafka/kafka_limits.h"

namespace cambium::kafka {

// Room for the requests that one loop is receiving or serving. Large ones have a half of their own: those who send them
// slowly hold it for long, and nobody else shall wait for that.
class RequestBudgets {
 public:
  explicit RequestBudgets(const KafkaLimits& limits)
      : largeFrameBytes_(limits.largeFrameBytes), small_(half(limits)), large_(half(limits)) {}

  ByteBudget& of(Bytes frame) { return frame > largeFrameBytes_ ? large_ : small_; }

 private:
  static Bytes half(const KafkaLimits& limits) { return Bytes(limits.requestBytesMax.value() / 2); }

  Bytes largeFrameBytes_;
  ByteBudget small_;
  ByteBudget large_;
};

}  // namespace cambium::kafka
