#include "bench/rpc_trials.h"

#include <cstring>

#include <kj/debug.h>
#include <kj/refcount.h>

#include "bench/rpc_client.h"
#include "bench/storage_trials.h"

namespace cambium::bench {

namespace {

// What a workload's trials share: the client's loop.
struct ClientLoop final : public kj::Refcounted {
  kj::AsyncIoContext io = kj::setupAsyncIo();
};

struct RpcTrial {
  RpcTrial(const Workload& workload, kj::Own<ClientLoop> client, kj::Own<RpcSubject> subject)
      : workload(workload), source(workload.batch), loop(kj::mv(client)), subject(kj::mv(subject)) {}

  kj::WaitScope& waitScope() { return loop->io.waitScope; }
  uint64_t records() const { return static_cast<uint64_t>(source.records()); }

  const Workload& workload;
  BatchSource source;
  kj::Own<ClientLoop> loop;
  kj::Own<RpcSubject> subject;
};

// --- Appending
// -----------------------------------------------------------------------------------------------------------------

kj::Promise<void> streamBatches(rpc::Appender::Client appender, BatchSource& source, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    auto batch = source.next();
    auto request = appender.appendRequest(capnp::MessageSize{batch.size() / 8 + 32, 0});
    request.setBatches(batch);
    co_await request.send();
  }
  auto flushed = co_await appender.flushRequest().send();
  requireNone(flushed.getError(), "flush");
}

Sample appendStream(RpcTrial& trial) {
  auto partition = trial.subject->freshPartition();
  auto open = partition.openAppenderRequest();
  open.setAcks(rpc::Acks::ALL);
  auto appender = open.send().wait(trial.waitScope()).getAppender();
  uint64_t count = trial.workload.batches();
  Stopwatch watch(Stopwatch::Cpu::kServer);
  streamBatches(appender, trial.source, count).wait(trial.waitScope());
  auto sample = watch.stop(count, count * trial.source.batchBytes(), count * trial.records());
  trial.subject->dropPartition();
  return sample;
}

// One of several that call at the same time, each when the one before it was answered.
template <class Call>
kj::Promise<void> callInTurn(Call call, uint64_t& left, Latencies& latencies) {
  while (left > 0) {
    --left;
    int64_t begun = Latencies::nowNs();
    co_await call();
    latencies.add(Latencies::nowNs() - begun);
  }
}

// `count` calls, workload.window of them at a time.
template <class Call>
Sample timeCalls(RpcTrial& trial, uint64_t count, uint64_t bytesEach, uint64_t recordsEach, Call call) {
  Latencies latencies(count);
  uint64_t left = count;
  Stopwatch watch(Stopwatch::Cpu::kServer);
  auto callers = kj::heapArrayBuilder<kj::Promise<void>>(trial.workload.window);
  for (uint64_t i = 0; i < trial.workload.window; ++i)
    callers.add(callInTurn(call, left, latencies));
  kj::joinPromises(callers.finish()).wait(trial.waitScope());
  auto sample = watch.stop(count, count * bytesEach, count * recordsEach);
  latencies.into(sample);
  return sample;
}

Sample appendBatches(RpcTrial& trial) {
  auto partition = trial.subject->freshPartition();
  auto call = [&trial, &partition]() -> kj::Promise<void> {
    auto batch = trial.source.next();
    auto request = partition.appendBatchesRequest(capnp::MessageSize{batch.size() / 8 + 32, 0});
    request.setBatches(batch);
    return request.send().then([](auto answer) { requireNone(answer.getError(), "appendBatches"); });
  };
  auto sample = timeCalls(trial, trial.workload.batches(), trial.source.batchBytes(), trial.records(), call);
  trial.subject->dropPartition();
  return sample;
}

Sample appendRecords(RpcTrial& trial) {
  auto partition = trial.subject->freshPartition();
  auto value = kj::heapArray<kj::byte>(trial.workload.batch.value());
  memset(value.begin(), 'r', value.size());
  auto call = [&partition, &value]() -> kj::Promise<void> {
    auto request = partition.appendRequest(capnp::MessageSize{value.size() / 8 + 48, 0});
    auto record = request.initRecords(1)[0];
    record.setValue(value);
    return request.send().then([](auto answer) { requireNone(answer.getError(), "append"); });
  };
  auto sample = timeCalls(trial, trial.workload.operations, value.size(), 1, call);
  trial.subject->dropPartition();
  return sample;
}

// --- Reading
// -------------------------------------------------------------------------------------------------------------------

// A partition with workload.total in it.
rpc::Partition::Client filledPartition(RpcTrial& trial) {
  auto partition = trial.subject->freshPartition();
  auto appender = partition.openAppenderRequest().send().getAppender();
  streamBatches(appender, trial.source, trial.workload.batches()).wait(trial.waitScope());
  return partition;
}

kj::Promise<uint64_t> pollAll(rpc::Partition::Client partition, int64_t end, uint32_t bytesMax) {
  uint64_t bytes = 0;
  for (int64_t from = 0; from < end;) {
    auto request = partition.readRequest();
    auto wish = request.initRequest();
    wish.setFrom(from);
    wish.setBytesMax(bytesMax);
    auto answer = co_await request.send();
    requireNone(answer.getError(), "read");
    bytes += answer.getChunk().getBatches().size();
    from = answer.getChunk().getNextOffset();
  }
  co_return bytes;
}

// Counts what is pushed, and knows when the end was reached.
class CountingSink final : public rpc::RecordSink::Server {
 public:
  CountingSink(int64_t end, uint64_t& bytes, kj::Own<kj::PromiseFulfiller<void>> atEnd)
      : end_(end), bytes_(bytes), atEnd_(kj::mv(atEnd)) {}

 protected:
  kj::Promise<void> push(PushContext context) override {
    auto delivery = context.getParams().getDelivery();
    bytes_ += delivery.getBatches().size();
    if (delivery.getNextOffset() >= end_) atEnd_->fulfill();
    return kj::READY_NOW;
  }
  kj::Promise<void> done(DoneContext context) override {
    KJ_IF_MAYBE(e, kj::runCatchingExceptions([&] { requireNone(context.getParams().getError(), "subscribe"); })) {
      atEnd_->reject(kj::mv(*e));
    }
    return kj::READY_NOW;
  }

 private:
  int64_t end_;
  uint64_t& bytes_;
  kj::Own<kj::PromiseFulfiller<void>> atEnd_;
};

uint64_t subscribeToAll(RpcTrial& trial, rpc::Partition::Client partition, int64_t end) {
  uint64_t bytes = 0;
  auto atEnd = kj::newPromiseAndFulfiller<void>();
  auto request = partition.subscribeRequest();
  request.setSink(kj::heap<CountingSink>(end, bytes, kj::mv(atEnd.fulfiller)));
  auto options = request.initOptions();
  options.setFormat(rpc::SubscribeOptions::Format::BATCHES);
  options.setBytesPerPush(static_cast<uint32_t>(trial.workload.take.value()));
  auto subscribed = request.send();
  atEnd.promise.wait(trial.waitScope());
  return bytes;
}

template <class ReadAll>
kj::Function<Sample()> readingTrial(kj::Own<RpcTrial> trial, ReadAll readAll) {
  auto partition = kj::heap(filledPartition(*trial));
  return [trial = kj::mv(trial), partition = kj::mv(partition), readAll]() mutable {
    uint64_t count = trial->workload.batches();
    Stopwatch watch(Stopwatch::Cpu::kServer);
    uint64_t bytes = readAll(*trial, *partition, static_cast<int64_t>(count * trial->records()));
    auto sample = watch.stop(count, bytes, count * trial->records());
    // The pair's pieces need not come out even.
    KJ_REQUIRE(bytes >= count * trial->source.batchBytes(), "not everything came", bytes);
    return sample;
  };
}

kj::Function<Sample()> makeRun(const Workload& workload, kj::Own<RpcTrial> trial) {
  if (workload.name == "rpc-read") {
    return readingTrial(kj::mv(trial), [](RpcTrial& trial, rpc::Partition::Client& partition, int64_t end) {
      return pollAll(partition, end, static_cast<uint32_t>(trial.workload.take.value())).wait(trial.waitScope());
    });
  }
  if (workload.name == "rpc-subscribe") {
    return readingTrial(kj::mv(trial), [](RpcTrial& trial, rpc::Partition::Client& partition, int64_t end) {
      return subscribeToAll(trial, partition, end);
    });
  }
  auto run = workload.name == "rpc-append-stream"    ? appendStream
             : workload.name == "rpc-append-batches" ? appendBatches
                                                     : appendRecords;
  return [trial = kj::mv(trial), run]() mutable { return run(*trial); };
}

}  // namespace

kj::Maybe<kj::Vector<Trial>> rpcTrials(const Workload& workload, kj::StringPtr folder) {
  bool known = false;
  for (auto name : {"rpc-append-stream", "rpc-append-batches", "rpc-append-records", "rpc-read", "rpc-subscribe"}) {
    known |= workload.name == name;
  }
  if (!known) return nullptr;
  auto loop = kj::refcounted<ClientLoop>();
  Places places(folder);
  kj::Vector<Trial> trials;
  for (auto& name : workload.subjects) {
    auto made = openRpcSubject(loop->io, name, places.fresh(name), workload.batch, workload.batches());
    KJ_IF_MAYBE(subject, made) {
      trials.add(
          Trial{kj::str(name), makeRun(workload, kj::heap<RpcTrial>(workload, kj::addRef(*loop), kj::mv(*subject)))});
    } else {
      refuseSubject(workload, name);
    }
  }
  return kj::mv(trials);
}

}  // namespace cambium::bench
