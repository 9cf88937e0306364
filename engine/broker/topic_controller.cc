#include "engine/broker/topic_controller.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/broker/shard_groups.h"
#include "engine/metadata/topic_name.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kTopics = "topics/"_kj;
constexpr kj::StringPtr kDeletions = "deletions/"_kj;

// Of the internal topic: what one RPC message can carry.
constexpr int32_t kOffsetsBatchBytesMax = 32 << 20;

kj::String topicKey(kj::StringPtr name) {
  return kj::str(kTopics, name);
}
kj::String deletionKey(const Topic& topic) {
  return kj::str(kDeletions, topic.id());
}

MetadataTransaction::Write put(kj::String key, const Topic& topic) {
  return {kj::mv(key), topic.encode()};
}

}  // namespace

class TopicController::Reservation {
 public:
  Reservation(TopicController& owner, int64_t partitions) : owner_(owner), partitions_(partitions) {
    owner_.reserved_ += partitions_;
  }
  ~Reservation() noexcept(false) { owner_.reserved_ -= partitions_; }
  KJ_DISALLOW_COPY(Reservation);

 private:
  TopicController& owner_;
  int64_t partitions_;
};

TopicController::TopicController(MetadataStore& store, kj::ArrayPtr<Shard* const> shards, World& world,
                                 EngineSet& engines, const BrokerConfig& config)
    : store_(store),
      shards_(shards),
      world_(world),
      engines_(engines),
      config_(config),
      image_(kj::atomicRefcounted<const MetadataImage>(Revision(0), kj::Vector<kj::Own<const Topic>>())) {}

void TopicController::TaskErrors::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "topic controller", exception);
}

kj::Promise<void> TopicController::start(kj::Function<void(kj::String)> progress) {
  // The watch first: what changes while the lists are read is seen as well.
  watch_ = store_.watch(kj::str(kTopics));
  for (auto& entry : co_await store_.list(kj::str(kDeletions))) {
    progress(kj::str("finishing a deletion (", entry.key, ")"));
    co_await resumeDeletion(kj::mv(entry));
  }
  kj::Vector<kj::Own<const Topic>> topics;
  Revision newest{0};
  for (auto& entry : co_await store_.list(kj::str(kTopics))) {
    topics.add(Topic::decode(entry.value, entry.changedAt));
    newest = kj::max(newest, entry.changedAt);
  }
  image_ = kj::atomicRefcounted<const MetadataImage>(newest, kj::mv(topics));
  auto total = partitionTotal();
  if (total > 0) progress(kj::str("opening partitions: 0 of ", total));
  // Each shard reports from its own loop; the sum of the first one is a fair sign of how far all are.
  co_await bringShards([progress = kj::mv(progress), total, shards = shards_.size()](size_t opened) mutable {
    auto done = kj::min(static_cast<int64_t>(opened * shards), total);
    progress(kj::str("opening partitions: ", shards > 1 ? "about " : "", done, " of ", total, " (", done * 100 / total,
                     " %)"));
  });
  applied_ = newest;
  if (!following_) co_return;
  follow_ =
      follow().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "changes of topics are no longer followed", e); });
}

void TopicController::stopFollowing() {
  following_ = false;
  follow_ = nullptr;
  waitingForApplied_.releaseAll();
}

// A topic that was deleted before the last stop, less what was left of its logs.
kj::Promise<void> TopicController::resumeDeletion(MetadataEntry entry) {
  try {
    auto topic = Topic::decode(entry.value, entry.changedAt);
    co_await dropLogs(kj::atomicAddRef(*topic));
    deleted_.add(kj::mv(topic));
  } catch (const kj::Exception& exception) {
    KJ_LOG(ERROR, "a deletion cannot be finished; it is tried again at the next start", entry.key, exception);
  }
}

kj::Promise<void> TopicController::finishDeletions() {
  for (auto& topic : kj::mv(deleted_)) {
    try {
      // The offsets may be those of a topic that was made anew since.
      if (image_->find(topic->name()) == nullptr) co_await forgetOffsets(kj::str(topic->name()));
      co_await endDeletion(kj::atomicAddRef(*topic));
    } catch (const kj::Exception& exception) {
      KJ_LOG(ERROR, "a deletion cannot be finished; it is tried again at the next start", topic->name(), exception);
    }
  }
}

kj::Promise<void> TopicController::bringShards(kj::Function<void(size_t)> progress) {
  kj::Vector<kj::Promise<void>> all;
  auto& first = *shards_[0];
  for (auto* shard : shards_) {
    if (shard == &first) continue;
    all.add(callLoop<bool>(first.port(), shard->port(), [shard, image = kj::atomicAddRef(*image_)]() mutable {
              return shard->apply(kj::mv(image)).then([] { return true; });
            }).ignoreResult());
  }
  all.add(first.apply(kj::atomicAddRef(*image_), kj::mv(progress)));
  return kj::joinPromises(all.releaseAsArray());
}

kj::Promise<void> TopicController::follow() {
  for (;;) {
    auto change = co_await watch_->next();
    try {
      applyToImage(change);
      if (change.writes.size() > 0) co_await bringShards([](size_t) {});
    } catch (const kj::Exception& exception) {
      // The next change brings the shards there as well.
      KJ_LOG(ERROR, "a change of topics could not be carried out on every loop", exception);
    }
    applied_ = change.revision;
    waitingForApplied_.reach(applied_);
  }
}

void TopicController::applyToImage(MetadataChange& change) {
  for (auto& write : change.writes) {
    auto name = write.key.slice(kTopics.size());
    kj::Maybe<kj::Own<const Topic>> topic;
    KJ_IF_MAYBE(value, write.value) topic = Topic::decode(*value, change.revision);
    image_ = image_->with(change.revision, name, kj::mv(topic));
  }
}

kj::Promise<void> TopicController::untilApplied(Revision revision) {
  if (applied_ >= revision || !following_) return kj::READY_NOW;
  return waitingForApplied_.wait(revision);
}

int64_t TopicController::partitionTotal() const {
  int64_t total = 0;
  for (auto& topic : image_->topics())
    total += topic->partitionCount();
  return total;
}

Error TopicController::tooManyPartitions(kj::StringPtr name, int32_t wanted) const {
  return makeError(ErrorCode::kInvalidPartitions, "topic ", name, " would have ", wanted,
                   " partitions; this broker takes ", config_.partitionsMax, " in all (--partitions_max) and has ",
                   partitionTotal() + reserved_);
}

Result<kj::Own<const Topic>> TopicController::checkNew(NewTopic& wish) {
  auto named = checkTopicName(wish.name);
  if (!named.ok()) return kj::mv(named.error());
  if (wish.partitions < 1) {
    return makeError(ErrorCode::kInvalidPartitions, "topic ", wish.name, " needs at least one partition, not ",
                     wish.partitions);
  }
  // However full the broker is, groups work.
  if (!isInternalTopic(wish.name) && !hasRoomFor(wish.partitions)) return tooManyPartitions(wish.name, wish.partitions);
  kj::Vector<ConfigChange> changes;
  kj::String engine = kj::str(config_.logEngine);
  kj::Vector<ConfigSetting> settings;
  for (auto& setting : wish.settings) {
    // Decided now and then fixed, so it is kept apart from what can be altered.
    if (setting.name == "storage.engine") {
      auto checked = makeTopicConfig(kj::arrayPtr(&setting, 1));
      if (!checked.ok()) return kj::mv(checked.error());
      if (settings.size() > 0) return makeError(ErrorCode::kInvalidConfig, "config ", setting.name, " is named twice");
      if (setting.value != "") engine = kj::str(setting.value);
      settings.add(setting.clone());
    } else {
      changes.add(ConfigChange{kj::str(setting.name), kj::str(setting.value)});
    }
  }
  auto altered = alterSettings(settings, changes);
  if (!altered.ok()) return kj::mv(altered.error());
  Topic::Spec spec{.name = kj::str(wish.name),
                   .id = Uuid::random(world_.entropy),
                   .partitions = {},
                   .settings = kj::mv(altered.value()),
                   .createdAt = world_.clock.now(),
                   .engine = kj::mv(engine)};
  spec.partitions.resize(static_cast<size_t>(wish.partitions));
  return kj::Own<const Topic>(kj::atomicRefcounted<const Topic>(kj::mv(spec), Revision(0)));
}

kj::Promise<Result<kj::Own<const Topic>>> TopicController::createTopic(NewTopic wish) {
  using Answer = Result<kj::Own<const Topic>>;
  auto checked = checkNew(wish);
  if (!checked.ok()) co_return kj::mv(checked);
  auto exists = [&] { return makeError(ErrorCode::kTopicAlreadyExists, "topic ", wish.name, " exists already"); };
  if (image_->find(wish.name) != nullptr) co_return Answer(exists());
  if (wish.validateOnly) co_return kj::mv(checked);
  Reservation reservation(*this, wish.partitions);
  // Logs of an earlier topic of this name have to be out of the way.
  for (auto going = deleting_.find(wish.name.cStr()); going != deleting_.end();
       going = deleting_.find(wish.name.cStr())) {
    co_await going->second.addBranch();
  }
  auto topic = kj::mv(checked.value());
  co_await world_.pool.run([&engines = engines_, kind = kj::str(topic->engine())] { engines.open(kind); });

  MetadataTransaction transaction;
  transaction.conditions.add(MetadataTransaction::Condition{topicKey(topic->name()), Revision(0)});
  transaction.writes.add(put(topicKey(topic->name()), *topic));
  auto committed = co_await store_.commit(kj::mv(transaction));
  KJ_IF_MAYBE(revision, committed) {
    co_await untilApplied(*revision);
    co_return Answer(kj::mv(topic));
  }
  co_return Answer(exists());
}

kj::Promise<Result<kj::Own<const Topic>>> TopicController::offsetsTopic() {
  using Answer = Result<kj::Own<const Topic>>;
  if (!hasOffsetsTopic()) {
    auto made = offsetsTopicMade_.wait();
    if (!makingOffsetsTopic_) {
      makingOffsetsTopic_ = true;
      tasks_.add(makeOffsetsTopic());
    }
    co_await made;
  }
  KJ_IF_MAYBE(known, image_->find(kOffsetsTopic)) {
    auto topic = kj::atomicAddRef(*known);
    co_await untilApplied(topic->revision());
    co_return Answer(kj::mv(topic));
  }
  KJ_IF_MAYBE(failure, offsetsTopicFailure_) co_return Answer(failure->clone());
  co_return Answer(makeError(ErrorCode::kCoordinatorNotAvailable, "the broker is stopping"));
}

// Committed is only what is on the device, and a whole group has to fit into one record.
kj::Promise<void> TopicController::makeOffsetsTopic() {
  NewTopic wish{.name = kj::str(kOffsetsTopic), .partitions = config_.offsetsPartitions};
  wish.settings.add(ConfigSetting{kj::str("cleanup.policy"), kj::str("compact")});
  wish.settings.add(ConfigSetting{kj::str("compression.type"), kj::str("uncompressed")});
  wish.settings.add(ConfigSetting{kj::str("durability"), kj::str("fsync")});
  wish.settings.add(ConfigSetting{kj::str("max.message.bytes"), kj::str(kOffsetsBatchBytesMax)});
  offsetsTopicFailure_ = nullptr;
  try {
    auto made = co_await createTopic(kj::mv(wish));
    if (!made.ok()) offsetsTopicFailure_ = kj::mv(made.error());
  } catch (const kj::Exception& exception) {
    offsetsTopicFailure_ = makeError(ErrorCode::kCoordinatorNotAvailable, exception.getDescription());
  }
  makingOffsetsTopic_ = false;
  offsetsTopicMade_.wakeAll();
}

Result<kj::Own<const Topic>> TopicController::requireTopic(kj::StringPtr name) const {
  KJ_IF_MAYBE(topic, image_->find(name)) return kj::atomicAddRef(*topic);
  return makeError(ErrorCode::kUnknownTopicOrPartition, "there is no topic named ", name);
}

kj::Promise<Result<void>> TopicController::deleteTopic(kj::String name) {
  auto found = requireTopic(name);
  if (!found.ok()) return Result<void>(kj::mv(found.error()));
  std::string key(name.cStr());
  if (deleting_.count(key) > 0) {
    return Result<void>(makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", name, " is being deleted already"));
  }
  auto paf = kj::newPromiseAndFulfiller<Result<void>>();
  // Goes on when the caller has gone. Known before anything is committed: nobody can come in between with a topic of
  // the same name.
  auto going = deleteNow(kj::mv(found.value()))
                   .then([&done = *paf.fulfiller](Result<void> result) { done.fulfill(kj::mv(result)); })
                   .catch_([&done = *paf.fulfiller](kj::Exception&& exception) { done.reject(kj::mv(exception)); })
                   .attach(kj::mv(paf.fulfiller))
                   .fork();
  tasks_.add(going.addBranch().attach(kj::defer([this, key] { deleting_.erase(key); })));
  deleting_.emplace(kj::mv(key), kj::mv(going));
  return kj::mv(paf.promise);
}

kj::Promise<Result<void>> TopicController::deleteNow(kj::Own<const Topic> topic) {
  auto name = kj::str(topic->name());
  MetadataTransaction transaction;
  transaction.conditions.add(MetadataTransaction::Condition{topicKey(name), topic->revision()});
  transaction.writes.add(MetadataTransaction::Write{topicKey(name), nullptr});
  // Kept until the logs are gone, so that a crash in between leaves nothing behind.
  transaction.writes.add(put(deletionKey(*topic), *topic));
  auto committed = co_await store_.commit(kj::mv(transaction));
  KJ_IF_MAYBE(revision, committed) {
    co_await untilApplied(*revision);
    // Without the shards' help the logs are open still: the next start goes on from here.
    if (!following_) co_return Result<void>();
    co_await dropLogs(kj::atomicAddRef(*topic));
    co_await forgetOffsets(kj::mv(name));
    co_await endDeletion(kj::mv(topic));
    co_return Result<void>();
  }
  co_return Result<void>(
      makeError(ErrorCode::kInvalidRequest, "topic ", name, " was changed at the same time; try again"));
}

kj::Promise<void> TopicController::dropLogs(kj::Own<const Topic> topic) {
  return world_.pool.run([&engines = engines_, &config = config_, topic = kj::mv(topic)] {
    auto& engine = engines.open(topic->engine());
    kj::Vector<LogId> logs;
    for (int32_t i = 0; i < topic->partitionCount(); ++i) {
      logs.add(topic->logId(i));
      engine.drop(logs.back().clone());
    }
    ProducerTable(engines.get(config.stateEngine)).forget(logs);
  });
}

kj::Promise<void> TopicController::forgetOffsets(kj::String topic) {
  auto& first = *shards_[0];
  // Everybody is asked, also when somebody fails: who can forget does.
  kj::Maybe<Error> failure;
  for (auto* shard : shards_) {
    auto forgotten = co_await callLoop<Result<void>>(
        first.port(), shard->port(),
        [shard, name = std::string(topic.cStr())] { return shard->groups().forgetTopic(name); });
    if (!forgotten.ok()) failure = kj::mv(forgotten.error());
  }
  KJ_IF_MAYBE(error, failure) KJ_FAIL_REQUIRE("committed offsets of a deleted topic stay", topic, *error);
}

kj::Promise<void> TopicController::endDeletion(kj::Own<const Topic> topic) {
  MetadataTransaction transaction;
  transaction.writes.add(MetadataTransaction::Write{deletionKey(*topic), nullptr});
  return store_.commit(kj::mv(transaction)).ignoreResult();
}

kj::Promise<Result<void>> TopicController::replace(const Topic& before, Topic::Spec after) {
  auto name = kj::str(before.name());
  auto topic = kj::atomicRefcounted<const Topic>(kj::mv(after), Revision(0));
  MetadataTransaction transaction;
  transaction.conditions.add(MetadataTransaction::Condition{topicKey(name), before.revision()});
  transaction.writes.add(put(topicKey(name), *topic));
  auto committed = co_await store_.commit(kj::mv(transaction));
  KJ_IF_MAYBE(revision, committed) {
    co_await untilApplied(*revision);
    co_return Result<void>();
  }
  co_return Result<void>(
      makeError(ErrorCode::kInvalidRequest, "topic ", name, " was changed at the same time; try again"));
}

kj::Promise<Result<void>> TopicController::addPartitions(kj::String name, int32_t total) {
  auto found = requireTopic(name);
  if (!found.ok()) return Result<void>(kj::mv(found.error()));
  auto& topic = *found.value();
  int64_t more = int64_t{total} - topic.partitionCount();
  if (total <= topic.partitionCount()) {
    return Result<void>(makeError(ErrorCode::kInvalidPartitions, "topic ", name, " has ", topic.partitionCount(),
                                  " partitions; the number can only grow, not become ", total));
  }
  if (!hasRoomFor(more)) return Result<void>(tooManyPartitions(name, total));
  auto spec = topic.copySpec();
  spec.partitions.resize(static_cast<size_t>(total));
  return replace(topic, kj::mv(spec)).attach(kj::heap<Reservation>(*this, more));
}

kj::Promise<Result<void>> TopicController::alterTopic(kj::String name, kj::Vector<ConfigChange> changes) {
  auto found = requireTopic(name);
  if (!found.ok()) return Result<void>(kj::mv(found.error()));
  auto altered = alterSettings(found.value()->settings(), changes);
  if (!altered.ok()) return Result<void>(kj::mv(altered.error()));
  auto spec = found.value()->copySpec();
  spec.settings = kj::mv(altered.value());
  return replace(*found.value(), kj::mv(spec));
}

}  // namespace cambium
