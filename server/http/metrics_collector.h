#pragma once

#include <kj/refcount.h>
#include <kj/timer.h>

#include "engine/base/work_pool.h"
#include "server/http/broker_state.h"
#include "server/http/metrics_page.h"

namespace cambium {

// A finished metrics page. Shared by all who asked while it was being made.
struct MetricsText final : public kj::Refcounted {
  explicit MetricsText(std::string text) : text(std::move(text)) {}
  kj::Own<MetricsText> addRef() { return kj::addRef(*this); }

  std::string text;
};

// Makes metrics pages: asks every loop, the process, and (on the pool) the engines. However many ask at a time, one
// page is made. Used on the first loop.
class MetricsCollector {
 public:
  // `topicSeriesMax`: how many topics have a series of their own.
  MetricsCollector(BrokerState& broker, ProcessInfo& process, ConnectionCounters& connections, WorkPool& pool,
                   kj::Timer& timer, size_t topicSeriesMax);
  // Stops what is under way; waits for an engine that is being asked on the pool at this moment.
  ~MetricsCollector() noexcept(false);
  KJ_DISALLOW_COPY(MetricsCollector);

  // The page as of now, or the one that is being made. It goes on being made when the promise is dropped. The engines
  // are waited for a second; a page without them is better than none while the disk is slow.
  kj::Promise<kj::Own<MetricsText>> collect();
  // Done when nothing is being asked of the broker any more. Nobody calls collect() after this.
  kj::Promise<void> whenIdle();

 private:
  struct EngineJob;

  kj::Promise<kj::Own<MetricsText>> make();
  kj::Promise<void> askEngines();

  BrokerState& broker_;
  ProcessInfo& process_;
  ConnectionCounters& connections_;
  WorkPool& pool_;
  kj::Timer& timer_;
  TopicSeries topics_;

  kj::Maybe<kj::Own<EngineJob>> engineJob_;  // while the engines are being asked
  kj::Vector<EngineFacts> engines_;          // what the last asking found, until a page takes it
  kj::ForkedPromise<void> enginesAsked_;
  bool making_ = false;
  kj::ForkedPromise<kj::Own<MetricsText>> page_;
};

}  // namespace cambium
