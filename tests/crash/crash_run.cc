#include "tests/crash/crash_run.h"

#include <utility>

#include <kj/debug.h>

#include "engine/record/batch_builder.h"

namespace cambium {

namespace {

constexpr int64_t kFlushMs = 500;
constexpr kj::StringPtr kSetting = "max.message.bytes"_kj;

// The topics that are deleted and made again; the others stay.
const std::vector<std::string> kPassing = {"native-os", "rocks-interval"};
const std::vector<std::string> kStaying = {"native-fsync", "native-interval", "rocks-fsync", "rocks-os"};
const std::vector<std::string> kSafest = {"native-fsync", "rocks-fsync"};

ByteView bytesOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

kj::Array<kj::byte> batchOf(const std::vector<std::string>& values, TimestampMs now, BatchOptions options = {}) {
  BatchBuilder builder(options);
  for (auto& value : values)
    builder.add(now, nullptr, bytesOf(value));
  return builder.finish();
}

kj::StringPtr otherThan(const std::string& engine) {
  return engine == "native" ? "rocksdb"_kj : "native"_kj;
}

}  // namespace

// Retention and compaction have a life of their own, cleanup_crash_test.cc: what they may take is another question.
const CrashRun::Step CrashRun::kSteps[] = {
    {"make topics", &CrashRun::makeTopics},
    {"produce", &CrashRun::produceOnce},
    {"produce idempotently", &CrashRun::produceIdempotently},
    {"commit offsets", &CrashRun::commitOffsets},
    {"let intervals pass", &CrashRun::letIntervalsPass},
    {"read", &CrashRun::readAll},
    {"delete records", &CrashRun::deleteRecords},
    {"alter configs", &CrashRun::alterConfigs},
    {"move topics", &CrashRun::moveTopics},
    {"produce before the restart", &CrashRun::produceOnce},
    {"restart", &CrashRun::restart},
    {"produce again", &CrashRun::produceOnce},
    {"produce idempotently again", &CrashRun::produceIdempotently},
    {"commit offsets again", &CrashRun::commitOffsets},
    {"delete topics", &CrashRun::deleteTopics},
    {"make topics again", &CrashRun::makeTopicsAgain},
    {"produce in the end", &CrashRun::produceOnce},
    {"read in the end", &CrashRun::readAll},
};

CrashRun::CrashRun(MemoryBroker::Surroundings& surroundings, kj::StringPtr storeFolder, kj::StringPtr logEngine,
                   kj::StringPtr stateEngine)
    : surroundings_(surroundings),
      storeFolder_(kj::str(storeFolder)),
      logEngine_(kj::str(logEngine)),
      stateEngine_(kj::str(stateEngine)) {}

CrashRun::~CrashRun() noexcept(false) {
  files_.powerOff();
  broker_ = nullptr;
}

bool CrashRun::start(Complaints* complaints) {
  auto thrown = kj::runCatchingExceptions(
      [&] { broker_ = kj::heap<MemoryBroker>(surroundings_, files_, storeFolder_, logEngine_, stateEngine_); });
  KJ_IF_MAYBE(exception, thrown) {
    if (complaints != nullptr) {
      complaints->push_back(kj::str("the broker does not start: ", exception->getDescription()).cStr());
    }
    return false;
  }
  return true;
}

void CrashRun::live() {
  // Whoever starts a broker that failed to start tries again.
  step_ = "start";
  if (!start(nullptr) && (files_.isOff() || !start(nullptr))) return;
  for (auto& step : kSteps) {
    step_ = step.name;
    auto thrown = kj::runCatchingExceptions([&] { (this->*step.run)(); });
    KJ_IF_MAYBE(exception, thrown) KJ_LOG(INFO, step_, *exception);
    if (files_.isOff() || broker_.get() == nullptr) return;
  }
}

template <class T>
kj::Maybe<T> CrashRun::tryTo(kj::Promise<Result<T>> promise) {
  kj::Maybe<T> value;
  auto thrown = kj::runCatchingExceptions([&] {
    auto result = broker_->wait(kj::mv(promise));
    if (result.ok()) {
      value = kj::mv(result.value());
    } else {
      KJ_LOG(INFO, step_, result.error());
    }
  });
  KJ_IF_MAYBE(exception, thrown) KJ_LOG(INFO, step_, *exception);
  return value;
}

kj::Maybe<PartitionKey> CrashRun::keyOf(const std::string& topic) {
  auto found = broker_->local().topic(topic.c_str());
  if (!found.ok()) return nullptr;
  return PartitionKey{found.value()->id(), 0};
}

std::string CrashRun::newValue(const std::string& topic) {
  // Longer than a sector, and in each sector different from every other value.
  std::string value = kj::str(topic.c_str(), '#', ++values_, ' ').cStr();
  for (int i = 0; value.size() < 700; ++i)
    value += kj::str(values_ * 7919 + i * 104'729, ',').cStr();
  return value;
}

// --- Steps
// -----------------------------------------------------------------------------------------------------------------

void CrashRun::makeTopic(const std::string& name, kj::StringPtr engine, Safety safety) {
  NewTopic wish{.name = kj::str(name.c_str()), .partitions = 1};
  auto durability = safety == Safety::kFsync ? "fsync"_kj : safety == Safety::kOs ? "os"_kj : "interval"_kj;
  wish.settings.add(ConfigSetting{kj::str("durability"), kj::str(durability)});
  wish.settings.add(ConfigSetting{kj::str("flush.ms"), kj::str(kFlushMs)});
  // Segments of few batches.
  wish.settings.add(ConfigSetting{kj::str("segment.bytes"), kj::str(4000)});
  wish.settings.add(ConfigSetting{kj::str("storage.engine"), kj::str(engine)});
  auto& topic = topics_[name];
  topic.incarnations.emplace_back();
  topic.latest().engine = engine.cStr();
  topic.latest().engines = {engine.cStr()};
  topic.latest().safety = safety;
  KJ_IF_MAYBE(made, tryTo(broker_->local().createTopic(kj::mv(wish)))) {
    topic.latest().id = (*made)->id();
  }
}

void CrashRun::makeTopics() {
  makeTopic("native-fsync", "native", Safety::kFsync);
  makeTopic("rocks-fsync", "rocksdb", Safety::kFsync);
  makeTopic("native-interval", "native", Safety::kInterval);
  makeTopic("rocks-interval", "rocksdb", Safety::kInterval);
  makeTopic("native-os", "native", Safety::kOs);
  makeTopic("rocks-os", "rocksdb", Safety::kOs);
}

void CrashRun::produce(const std::vector<std::string>& topics, int records, Acks acks) {
  struct Under {
    std::string topic;
    std::vector<size_t> numbers;
    kj::Promise<Result<AppendOutcome>> outcome;
  };
  std::vector<Under> under;
  for (auto& name : topics) {
    KJ_IF_MAYBE(key, keyOf(name)) {
      auto& topic = topics_.at(name).latest();
      std::vector<size_t> numbers;
      std::vector<std::string> values;
      for (int i = 0; i < records; ++i) {
        values.push_back(newValue(name));
        numbers.push_back(topic.log.sends(values.back()));
      }
      auto batch = batchOf(values, surroundings_.clock.now());
      under.push_back({name, numbers, broker_->local().append(*key, batch, acks)});
    }
  }
  for (auto& one : under) {
    KJ_IF_MAYBE(appended, tryTo(kj::mv(one.outcome))) {
      auto& topic = topics_.at(one.topic).latest();
      auto offset = appended->baseOffset.value();
      for (auto number : one.numbers) {
        topic.log.acknowledged(number, offset++);
        if (topic.safety == Safety::kFsync && acks == Acks::kAll) topic.log.makeSafe(number);
      }
    }
  }
}

void CrashRun::produceOnce() {
  std::vector<std::string> all;
  for (auto& [name, topic] : topics_)
    all.push_back(name);
  produce(all, 2, Acks::kAll);
  produce(all, 3, Acks::kLeader);
  produce(all, 1, Acks::kAll);
}

kj::Array<kj::byte> CrashRun::valueBatch(const std::string& value) {
  return batchOf({value}, surroundings_.clock.now());
}

kj::Array<kj::byte> CrashRun::idempotentBatch(const Incarnation& topic, const std::string& value, int32_t sequence) {
  return batchOf({value}, TimestampMs(1'700'000'000'000),
                 {.producerId = topic.producer.id, .producerEpoch = 0, .baseSequence = sequence});
}

void CrashRun::produceNext(const std::string& name) {
  auto& topic = topics_.at(name).latest();
  auto& producer = topic.producer;
  KJ_IF_MAYBE(key, keyOf(name)) {
    // What was not answered is sent again, with its sequence.
    if (producer.uncertain.empty()) producer.uncertain = newValue(name);
    size_t number = topic.log.numberOf(producer.uncertain);
    auto batch = idempotentBatch(topic, producer.uncertain, producer.next);
    KJ_IF_MAYBE(appended, tryTo(broker_->local().append(*key, batch, Acks::kAll))) {
      producer.last = std::exchange(producer.uncertain, "");
      producer.lastOffset = appended->baseOffset.value();
      ++producer.next;
      topic.log.acknowledged(number, producer.lastOffset);
      topic.log.makeSafe(number);
    }
  }
}

void CrashRun::produceIdempotently() {
  for (auto& name : kSafest) {
    auto& producer = topics_.at(name).latest().producer;
    if (producer.id < 0) {
      KJ_IF_MAYBE(id, tryTo(broker_->local().newProducerId())) producer.id = *id;
    }
    if (producer.id < 0) continue;
    for (int i = 0; i < 3; ++i)
      produceNext(name);
  }
}

void CrashRun::commitOffsets() {
  CommitOffsetsRequest request;
  request.who.group = kGroup.cStr();
  std::vector<std::string> names(kStaying);
  names.insert(names.end(), kPassing.begin(), kPassing.end());
  for (auto& name : names) {
    auto& committed = committed_[name];
    committed.tried = committed.tried + 2;
    request.offsets.add(
        OffsetToCommit{.topic = name, .partition = 0, .offset = Offset(committed.tried), .metadata = {}});
  }
  auto answers = broker_->wait(broker_->local().commitOffsets(kj::mv(request)));
  for (size_t i = 0; i < names.size(); ++i) {
    if (answers[i] == nullptr) committed_[names[i]].acknowledged = committed_[names[i]].tried;
  }
}

void CrashRun::letIntervalsPass() {
  broker_->pass(2 * kFlushMs);
  for (auto& [name, topic] : topics_) {
    if (topic.latest().safety == Safety::kOs) continue;
    KJ_IF_MAYBE(key, keyOf(name)) {
      KJ_IF_MAYBE(status, tryTo(broker_->local().status(*key))) {
        if (status->offline == nullptr && status->durable == status->end) topic.latest().log.makeSafe();
      }
    }
  }
}

// What a consumer was shown of a topic that syncs, no power loss takes back.
void CrashRun::readAll() {
  for (auto& [name, topic] : topics_) {
    KJ_IF_MAYBE(key, keyOf(name)) {
      std::string whyNot;
      auto contents = contentsOf(*key, whyNot);
      if (contents && topic.latest().safety == Safety::kFsync) topic.latest().log.saw(*contents);
    }
  }
}

void CrashRun::deleteRecords() {
  for (auto& name : {"native-fsync", "rocks-fsync", "native-interval"}) {
    KJ_IF_MAYBE(key, keyOf(name)) {
      auto& log = topics_.at(name).latest().log;
      // In the middle of a batch, behind a segment's end.
      log.deletesBefore(7);
      KJ_IF_MAYBE(start, tryTo(broker_->local().deleteRecords(*key, Offset(7)))) {
        if (*start == Offset(7)) log.deleted();
      }
    }
  }
}

void CrashRun::alterConfigs() {
  for (auto& name : kStaying) {
    auto& topic = topics_.at(name).latest();
    topic.settingTried = "500000";
    kj::Vector<ConfigChange> changes;
    changes.add(ConfigChange{kj::str(kSetting), kj::str(topic.settingTried.c_str())});
    auto altered = broker_->wait(broker_->local().alterTopic(kj::str(name.c_str()), kj::mv(changes)));
    if (altered.ok()) topic.setting = topic.settingTried;
  }
}

// To the other engine and, some of them, back: nothing of what they hold changes.
void CrashRun::moveTopics() {
  auto send = [&](const std::string& name, kj::StringPtr engine) {
    auto& latest = topics_.at(name).latest();
    latest.engines.insert(engine.cStr());
    kj::Vector<ConfigChange> changes;
    changes.add(ConfigChange{kj::str("storage.engine"), kj::str(engine)});
    auto altered = broker_->wait(broker_->local().alterTopic(kj::str(name.c_str()), kj::mv(changes)));
    if (altered.ok()) latest.engines = {engine.cStr()};
  };
  for (auto& name : kStaying)
    send(name, otherThan(topics_.at(name).latest().engine));
  constexpr int64_t kUntilTheyAreThereMs = 20;
  broker_->pass(kUntilTheyAreThereMs);
  produce(kStaying, 1, Acks::kAll);
  // So that there is one in each engine in the end whose records must never be lost.
  for (auto& name : kSafest)
    send(name, topics_.at(name).latest().engine.c_str());
  broker_->pass(kUntilTheyAreThereMs);
}

void CrashRun::restart() {
  // An error that was met may have cost what was not safe; without one a clean stop makes everything safe.
  bool clean = files_.failedAt().empty();
  auto thrown = kj::runCatchingExceptions([&] { broker_->stop(); });
  broker_ = nullptr;
  clean = clean && thrown == nullptr && files_.failedAt().empty();
  if (files_.isOff()) return;
  for (auto& [name, topic] : topics_) {
    if (clean) topic.latest().log.makeSafe();
  }
  if (!start(nullptr) && (files_.isOff() || !start(nullptr))) return;
  if (clean) return;
  restartedUncleanly_ = true;
  // Goes on with what is there; the check comes later.
  for (auto& [name, topic] : topics_) {
    auto& latest = topic.latest();
    KJ_IF_MAYBE(key, keyOf(name)) {
      std::string whyNot;
      auto contents = contentsOf(*key, whyNot);
      if (!contents) continue;
      for (auto& complaint : latest.log.check(*contents))
        whenRestarted_.push_back(kj::str(name.c_str(), " after the restart: ", complaint.c_str()).cStr());
      latest.log.settle(*contents, latest.safety == Safety::kFsync);
    }
  }
}

void CrashRun::deleteTopics() {
  for (auto& name : kPassing) {
    auto& topic = topics_.at(name).latest();
    topic.deleting = true;
    auto gone = broker_->wait(broker_->local().deleteTopic(kj::str(name.c_str())));
    if (gone.ok()) topic.deleted = true;
    forgotten_ = files_.failedAt().empty();
  }
}

void CrashRun::makeTopicsAgain() {
  // On the other engine. What was not deleted stays what it is.
  for (auto& name : kPassing) {
    auto& topic = topics_.at(name).latest();
    if (!topic.deleted) continue;
    makeTopic(name, otherThan(topic.engine), topic.safety);
  }
}

}  // namespace cambium
