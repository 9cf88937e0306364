#include "server/http/metrics_collector.h"

#include <mutex>

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

constexpr kj::Duration kEnginesWait = 1 * kj::SECONDS;

}  // namespace

// Owned by the pool's job and by the collector, of which either may be gone first: the job does not stop when its
// promise is dropped, and must not touch the broker after that.
struct MetricsCollector::EngineJob final : public kj::AtomicRefcounted {
  explicit EngineJob(BrokerState& broker) : broker(broker) {}
  void run() {
    std::lock_guard lock(mutex);
    if (cancelled) return;
    for (auto* engine : broker.engines())
      found.add(EngineFacts{kj::str(engine->name()), engine->usage()});
  }
  void cancel() {
    std::lock_guard lock(mutex);
    cancelled = true;
  }

  BrokerState& broker;
  std::mutex mutex;  // std's, because thread sanitizers cannot see into kj's
  bool cancelled = false;
  kj::Vector<EngineFacts> found;
};

MetricsCollector::MetricsCollector(BrokerState& broker, ProcessInfo& process, ConnectionCounters& connections,
                                   WorkPool& pool, kj::Timer& timer, size_t topicSeriesMax)
    : broker_(broker),
      process_(process),
      connections_(connections),
      pool_(pool),
      timer_(timer),
      topics_(topicSeriesMax),
      enginesAsked_(kj::Promise<void>(kj::READY_NOW).fork()),
      page_(kj::Promise<kj::Own<MetricsText>>(kj::NEVER_DONE).fork()) {}

MetricsCollector::~MetricsCollector() noexcept(false) {
  KJ_IF_MAYBE(job, engineJob_) (*job)->cancel();
}

kj::Promise<kj::Own<MetricsText>> MetricsCollector::collect() {
  if (!making_) {
    making_ = true;
    page_ = make().fork();
  }
  return page_.addBranch();
}

kj::Promise<void> MetricsCollector::whenIdle() {
  // A page that failed is as finished as one that did not.
  if (making_) co_await page_.addBranch().ignoreResult().catch_([](kj::Exception&&) {});
  co_await enginesAsked_.addBranch();
}

kj::Promise<kj::Own<MetricsText>> MetricsCollector::make() {
  KJ_DEFER(making_ = false);
  MetricsSnapshot snapshot;
  auto identity = broker_.identity();
  snapshot.version = kj::str(identity.version);
  snapshot.clusterId = kj::str(identity.clusterId);
  snapshot.process = process_.facts();
  snapshot.doors = connections_.connections();
  snapshot.rpc = connections_.rpcHoldings();
  snapshot.ready = broker_.startingUp() == nullptr;
  if (snapshot.ready) {
    if (engineJob_ == nullptr) enginesAsked_ = askEngines().fork();
    snapshot.shards = co_await broker_.reports();
    snapshot.topics = topics_.update(snapshot.shards);
    co_await enginesAsked_.addBranch().exclusiveJoin(timer_.afterDelay(kEnginesWait));
    snapshot.engines = kj::mv(engines_);
    engines_ = {};
  }
  co_return kj::refcounted<MetricsText>(metricsPage(snapshot));
}

kj::Promise<void> MetricsCollector::askEngines() {
  auto job = kj::atomicRefcounted<EngineJob>(broker_);
  engineJob_ = kj::atomicAddRef(*job);
  KJ_DEFER(engineJob_ = nullptr);
  try {
    co_await pool_.run([job = kj::atomicAddRef(*job)]() mutable { job->run(); });
    engines_ = kj::mv(job->found);
  } catch (const kj::Exception& e) {
    KJ_LOG(ERROR, "storage engines do not say what they hold; the metrics leave them out", e.getDescription());
  }
}

}  // namespace cambium
