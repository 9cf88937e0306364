#include "engine/broker/topic_controller.h"

#include <set>

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/base/text.h"
#include "engine/broker/shard_groups.h"
#include "engine/metadata/topic_name.h"
#include "engine/retention/cleaner_table.h"

namespace cambium {

namespace {

// Of the internal topic: what one RPC message can carry.
constexpr int32_t kOffsetsBatchBytesMax = 32 << 20;

// Between two tries to raise the leader epochs on a full device.
constexpr int64_t kRaiseAgainMs = 200;

// Logs without a topic that are named.
constexpr size_t kStraysShown = 10;

constexpr kj::StringPtr kEngineConfig = "storage.engine"_kj;

// The engine that a topic with these settings belongs in.
kj::String engineOf(kj::ArrayPtr<const ConfigSetting> settings, const BrokerConfig& config) {
  for (auto& setting : settings) {
    if (setting.name == kEngineConfig && setting.value != "") return kj::str(setting.value);
  }
  return kj::str(config.logEngine);
}

bool isAtRest(const Topic& topic) {
  for (int32_t i = 0; i < topic.partitionCount(); ++i) {
    auto& partition = topic.partition(i);
    if (partition.engine != topic.engine() || partition.otherEngine.size() > 0) return false;
  }
  return true;
}

}  // namespace

Result<void> checkBounds(kj::ArrayPtr<const ConfigChange> changes, const BrokerConfig& config) {
  // Some hundred entries of an index.
  constexpr int64_t kIndexBytesMin = 4096;
  struct Bound {
    kj::StringPtr name;
    int64_t least;
  };
  const Bound all[] = {{"segment.bytes"_kj, config.segmentBytesMin}, {"segment.index.bytes"_kj, kIndexBytesMin}};
  for (auto& change : changes) {
    KJ_IF_MAYBE(text, change.value) {
      auto value = parseInteger(*text);
      KJ_IF_MAYBE(number, value) {
        for (auto& bound : all) {
          if (change.name != bound.name || *number >= bound.least) continue;
          return makeError(ErrorCode::kInvalidConfig, "config ", change.name, "=", *text,
                           " is not valid: expected a whole number, at least ", bound.least,
                           "; smaller segments would be many files");
        }
      }
    }
  }
  return Result<void>();
}

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
      image_(kj::atomicRefcounted<const MetadataImage>(Revision(0), kj::Vector<kj::Own<const Topic>>())),
      creationLimits_(config.autoCreateBurst, config.autoCreatePerMinute) {}

void TopicController::TaskErrors::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "topic controller", exception);
}

kj::Promise<void> TopicController::start(kj::Function<void(kj::String)> progress) {
  // The watch first: what changes while the lists are read is seen as well.
  watch_ = store_.watch(kj::str(kTopicRecords));
  kj::Vector<kj::Own<const Topic>> deletions;
  for (auto& entry : co_await store_.list(kj::str(kDeletionRecords))) {
    progress(kj::str("finishing a deletion (", entry.key, ")"));
    co_await resumeDeletion(kj::mv(entry), deletions);
  }
  co_await raiseEpochs();
  kj::Vector<kj::Own<const Topic>> topics;
  Revision newest{0};
  for (auto& entry : co_await store_.list(kj::str(kTopicRecords))) {
    topics.add(Topic::decode(entry.value, entry.changedAt));
    names_.add(topics.back()->name());
    newest = kj::max(newest, entry.changedAt);
  }
  for (auto& topic : topics)
    changed_.add(kj::str(topic->name()));
  image_ = kj::atomicRefcounted<const MetadataImage>(newest, kj::mv(topics));
  co_await requireLogsKnown(kj::mv(deletions));
  auto total = image_->partitionTotal();
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

kj::Promise<void> TopicController::raiseEpochs() {
  try {
    co_await raiseLeaderEpochs(store_);
  } catch (const kj::Exception& exception) {
    // Those of the last run go on until there is room, which is before a client can append much: reads and deletions
    // matter more.
    if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
    KJ_LOG(WARNING, "the device is full: leader epochs are raised later", exception.getDescription());
    tasks_.add(raiseEpochsLater());
  }
}

kj::Promise<void> TopicController::raiseEpochsLater() {
  for (bool raised = false; !raised;) {
    co_await shards_[0]->loop().timer.afterDelay(kRaiseAgainMs * kj::MILLISECONDS);
    try {
      co_await raiseLeaderEpochs(store_);
      raised = true;
    } catch (const kj::Exception& exception) {
      if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
    }
  }
}

void TopicController::stopFollowing() {
  following_ = false;
  follow_ = nullptr;
  waitingForApplied_.releaseAll();
}

kj::Promise<void> TopicController::requireLogsKnown(kj::Vector<kj::Own<const Topic>> deletions) {
  // Shared with the job, which may outlive this coroutine.
  struct Found final : public kj::AtomicRefcounted {
    std::set<std::string> known;
    kj::Vector<kj::String> strays;
  };
  auto found = kj::atomicRefcounted<Found>();
  auto learn = [&](const Topic& topic) {
    for (int32_t i = 0; i < topic.partitionCount(); ++i)
      found->known.insert(partitionName(topic.name(), i).cStr());
  };
  for (auto& topic : image_->topics())
    learn(*topic);
  for (auto& topic : deletions)
    learn(*topic);
  co_await world_.pool.run([&engines = engines_, job = kj::atomicAddRef(*found)]() mutable {
    for (auto* engine : engines.opened()) {
      for (auto& log : engine->list()) {
        if (!job->known.contains(log.name.cStr())) job->strays.add(kj::str(log.name, " (", engine->name(), ")"));
      }
    }
  });
  if (found->strays.size() == 0) co_return;
  auto shown = kj::strArray(found->strays.slice(0, kj::min(found->strays.size(), kStraysShown)), ", ");
  auto message =
      kj::str("the metadata, which is kept in the ", config_.stateEngine, " engine of ", world_.files.describe(""),
              ", does not know ", found->strays.size(), found->strays.size() == 1 ? " log" : " logs",
              " that lie there: ", shown, found->strays.size() > kStraysShown ? ", …" : "",
              ". It was lost, or is older than they are: restore the whole data directory from a copy, or move these "
              "logs away");
  if (image_->topics().size() > 0) {
    KJ_LOG(ERROR, "logs without a topic", message);
    co_return;
  }
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(message, "; nothing was changed")));
}

// A topic that was deleted before the last stop, less what was left of its logs.
kj::Promise<void> TopicController::resumeDeletion(MetadataEntry entry, kj::Vector<kj::Own<const Topic>>& deletions) {
  try {
    auto topic = Topic::decode(entry.value, entry.changedAt);
    deletions.add(kj::atomicAddRef(*topic));
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
  auto names = [this]() -> TopicNames {
    return KJ_MAP(name, changed_) {
      return kj::str(name);
    };
  };
  for (auto* shard : shards_) {
    if (shard == &first) continue;
    all.add(callLoop<bool>(first.port(), shard->port(),
                           [shard, image = kj::atomicAddRef(*image_), names = names()]() mutable {
                             return shard->apply(kj::mv(image), kj::mv(names)).then([] { return true; });
                           })
                .ignoreResult());
  }
  all.add(first.apply(kj::atomicAddRef(*image_), names(), kj::mv(progress)));
  co_await kj::joinPromises(all.releaseAsArray());
  changed_.clear();
}

kj::Promise<void> TopicController::follow() {
  for (;;) {
    // All that wait are applied together: many changes at once cost the shards little more than one.
    auto changes = co_await watch_->next();
    auto newest = changes.back().revision;
    for (auto& change : changes) {
      // Others are from before the list was read.
      if (change.revision > image_->revision()) applyToImage(change);
    }
    try {
      if (changed_.size() > 0) co_await bringShards([](size_t) {});
    } catch (const kj::Exception& exception) {
      // The next change brings the shards there as well.
      KJ_LOG(ERROR, "a change of topics could not be carried out on every loop", exception);
    }
    applied_ = kj::max(applied_, newest);
    waitingForApplied_.reach(applied_);
  }
}

void TopicController::applyToImage(MetadataChange& change) {
  for (auto& write : change.writes) {
    auto name = write.key.slice(kTopicRecords.size());
    kj::Maybe<kj::Own<const Topic>> topic;
    KJ_IF_MAYBE(value, write.value) {
      KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { topic = Topic::decode(*value, change.revision); })) {
        KJ_LOG(ERROR, "a change of a topic cannot be read and is passed over", name, *exception);
        continue;
      }
    }
    bool wasThere = image_->find(name) != nullptr;
    if (topic != nullptr && !wasThere) names_.add(name);
    if (topic == nullptr && wasThere) names_.remove(name);
    image_ = image_->with(change.revision, name, kj::mv(topic));
    changed_.add(kj::str(name));
  }
}

kj::Promise<void> TopicController::untilApplied(Revision revision) {
  if (applied_ >= revision || !following_) return kj::READY_NOW;
  return waitingForApplied_.wait(revision);
}

Error TopicController::tooManyPartitions(kj::StringPtr name, int32_t wanted) const {
  return makeError(ErrorCode::kInvalidPartitions, "topic ", name, " would have ", wanted,
                   " partitions; this broker takes ", config_.partitionsMax, " in all (--partitions_max) and has ",
                   image_->partitionTotal() + reserved_);
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
  for (auto& setting : wish.settings)
    changes.add(ConfigChange{kj::str(setting.name), kj::str(setting.value)});
  if (!isInternalTopic(wish.name)) {
    auto bounded = checkBounds(changes, config_);
    if (!bounded.ok()) return kj::mv(bounded.error());
  }
  auto altered = alterSettings(nullptr, changes);
  if (!altered.ok()) return kj::mv(altered.error());
  auto engine = engineOf(altered.value(), config_);
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
  auto similar = names_.findSimilar(wish.name);
  if (isInternalTopic(wish.name)) similar = nullptr;  // groups work whatever else there is
  KJ_IF_MAYBE(other, similar) {
    co_return Answer(makeError(ErrorCode::kInvalidTopic, "topic ", wish.name, " would look like topic ", *other,
                               " in metrics, which write '.' and '_' in the same way; choose another name"));
  }
  if (wish.validateOnly) co_return kj::mv(checked);
  KJ_IF_MAYBE(address, wish.namedBy) {
    if (!creationLimits_.take(*address, SteadyMs(world_.clock.steadyNs() / 1'000'000))) {
      co_return Answer(makeError(ErrorCode::kThrottlingQuotaExceeded, "topic ", wish.name, " is not made for ",
                                 *address,
                                 ", which has named too many topics (--auto_create_topics_burst, "
                                 "--auto_create_topics_per_minute); create it, or try again later"));
    }
  }
  Reservation reservation(*this, wish.partitions);
  names_.add(wish.name);
  KJ_DEFER(names_.remove(wish.name));
  // Logs of an earlier topic of this name have to be out of the way.
  for (auto going = deleting_.find(wish.name.cStr()); going != deleting_.end();
       going = deleting_.find(wish.name.cStr())) {
    co_await going->second.addBranch();
  }
  auto topic = kj::mv(checked.value());
  co_await world_.pool.run([&engines = engines_, kind = kj::str(topic->engine())] { engines.open(kind); });

  MetadataTransaction transaction;
  transaction.conditions.add(MetadataTransaction::Condition{topicKey(topic->name()), Revision(0)});
  transaction.writes.add(putTopic(topicKey(topic->name()), *topic));
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
  wish.settings.add(ConfigSetting{kj::str("segment.bytes"), kj::str(config_.offsetsSegmentBytes)});
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

// The topic may change meanwhile (a move goes on step by step): the deletion's record holds its last version, which
// says where all of its logs are.
kj::Promise<kj::Maybe<kj::Own<const Topic>>> TopicController::beginDeletion(kj::Own<const Topic> topic) {
  using Begun = kj::Maybe<kj::Own<const Topic>>;
  for (;;) {
    auto newest = co_await loadTopic(store_, kj::str(topic->name()));
    if (!newest.ok() || newest.value()->id() != topic->id()) co_return Begun(nullptr);
    auto& last = *newest.value();
    MetadataTransaction transaction;
    transaction.conditions.add(MetadataTransaction::Condition{topicKey(last.name()), last.revision()});
    transaction.writes.add(MetadataTransaction::Write{topicKey(last.name()), nullptr});
    // Kept until the logs are gone, so that a crash in between leaves nothing behind.
    transaction.writes.add(putTopic(deletionKey(last.id()), last));
    auto committed = co_await store_.commit(kj::mv(transaction));
    KJ_IF_MAYBE(revision, committed) {
      co_await untilApplied(*revision);
      co_return Begun(kj::mv(newest.value()));
    }
  }
}

kj::Promise<Result<void>> TopicController::deleteNow(kj::Own<const Topic> topic) {
  auto name = kj::str(topic->name());
  auto begun = co_await beginDeletion(kj::mv(topic));
  KJ_IF_MAYBE(last, begun) {
    // Without the shards' help the logs are open still: the next start goes on from here.
    if (!following_) co_return Result<void>();
    co_await dropLogs(kj::atomicAddRef(**last));
    co_await forgetOffsets(kj::mv(name));
    co_await endDeletion(kj::mv(*last));
    co_return Result<void>();
  }
  co_return Result<void>(makeError(ErrorCode::kUnknownTopicOrPartition, "there is no topic named ", name));
}

kj::Promise<void> TopicController::dropLogs(kj::Own<const Topic> topic) {
  return world_.pool.run([&engines = engines_, &config = config_, topic = kj::mv(topic)] {
    kj::Vector<LogId> logs;
    for (int32_t i = 0; i < topic->partitionCount(); ++i) {
      auto& partition = topic->partition(i);
      logs.add(topic->logId(i));
      engines.open(partition.engine).drop(logs.back().clone());
      if (partition.otherEngine.size() > 0) engines.open(partition.otherEngine).drop(logs.back().clone());
    }
    ProducerTable(engines.get(config.stateEngine)).forget(logs);
    CleanerTable(engines.get(config.stateEngine)).forget(logs);
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
  transaction.writes.add(MetadataTransaction::Write{deletionKey(topic->id()), nullptr});
  return store_.commit(kj::mv(transaction)).ignoreResult();
}

kj::Promise<Result<void>> TopicController::changeAndApply(kj::String name, TopicChange change) {
  auto changed = co_await changeTopic(store_, kj::mv(name), kj::mv(change));
  if (!changed.ok()) co_return Result<void>(kj::mv(changed.error()));
  KJ_IF_MAYBE(revision, changed.value()) co_await untilApplied(*revision);
  co_return Result<void>();
}

kj::Promise<Result<void>> TopicController::addPartitions(kj::String name, int32_t total) {
  auto found = requireTopic(name);
  if (!found.ok()) return Result<void>(kj::mv(found.error()));
  int64_t more = int64_t{total} - found.value()->partitionCount();
  // Before anything of that number is made.
  if (more > 0 && !hasRoomFor(more)) return Result<void>(tooManyPartitions(name, total));
  auto change = [total](const Topic& topic) -> Result<kj::Maybe<Topic::Spec>> {
    if (total <= topic.partitionCount()) {
      return makeError(ErrorCode::kInvalidPartitions, "topic ", topic.name(), " has ", topic.partitionCount(),
                       " partitions; the number can only grow, not become ", total);
    }
    auto spec = topic.copySpec();
    spec.partitions.resize(static_cast<size_t>(total));
    return kj::Maybe<Topic::Spec>(kj::mv(spec));
  };
  auto allowed = change(*found.value());
  if (!allowed.ok()) return Result<void>(kj::mv(allowed.error()));
  return changeAndApply(kj::mv(name), kj::mv(change)).attach(kj::heap<Reservation>(*this, more));
}

kj::Promise<Result<void>> TopicController::openWantedEngine(kj::ArrayPtr<const ConfigChange> changes) {
  for (auto& change : changes) {
    if (change.name != kEngineConfig) continue;
    kj::StringPtr kind = config_.logEngine;
    KJ_IF_MAYBE(value, change.value) {
      if (value->size() > 0) kind = *value;
    }
    try {
      co_await world_.pool.run([&engines = engines_, kind = kj::str(kind)] { engines.open(kind); });
    } catch (const kj::Exception& exception) {
      co_return Result<void>(makeError(ErrorCode::kStorageError, "the ", kind, " engine cannot be opened: ",
                                       exception.getDescription(), "; nothing was changed"));
    }
  }
  co_return Result<void>();
}

kj::Promise<Result<void>> TopicController::alterTopic(kj::String name, kj::Vector<ConfigChange> changes) {
  auto found = requireTopic(name);
  if (!found.ok()) co_return Result<void>(kj::mv(found.error()));
  auto bounded = checkBounds(changes, config_);
  if (!bounded.ok()) co_return kj::mv(bounded);
  // Before an engine is opened for a wish that is refused.
  auto allowed = alterSettings(found.value()->settings(), changes);
  if (!allowed.ok()) co_return Result<void>(kj::mv(allowed.error()));
  auto opened = co_await openWantedEngine(changes);
  if (!opened.ok()) co_return kj::mv(opened);
  auto change = [this, changes = kj::mv(changes)](const Topic& topic) -> Result<kj::Maybe<Topic::Spec>> {
    auto altered = alterSettings(topic.settings(), changes);
    if (!altered.ok()) return kj::mv(altered.error());
    auto spec = topic.copySpec();
    for (auto& each : changes) {
      if (each.name != kEngineConfig) continue;
      spec.engine = engineOf(altered.value(), config_);
      // Asked for again: what failed is tried again.
      if (spec.engine != topic.engine() || !isAtRest(topic)) ++spec.moveAttempt;
    }
    spec.settings = kj::mv(altered.value());
    return kj::Maybe<Topic::Spec>(kj::mv(spec));
  };
  co_return co_await changeAndApply(kj::mv(name), kj::mv(change));
}

kj::Promise<Result<void>> TopicController::cancelMove(kj::String name) {
  return changeAndApply(kj::mv(name), [](const Topic& topic) -> Result<kj::Maybe<Topic::Spec>> {
    for (int32_t i = 0; i < topic.partitionCount(); ++i) {
      auto& partition = topic.partition(i);
      if (partition.engine == topic.engine()) continue;
      ConfigChange back{kj::str(kEngineConfig), kj::str(partition.engine)};
      auto altered = alterSettings(topic.settings(), kj::arrayPtr(&back, 1));
      if (!altered.ok()) return kj::mv(altered.error());
      auto spec = topic.copySpec();
      spec.settings = kj::mv(altered.value());
      spec.engine = kj::str(partition.engine);
      ++spec.moveAttempt;
      return kj::Maybe<Topic::Spec>(kj::mv(spec));
    }
    return makeError(ErrorCode::kNoReassignmentInProgress, "topic ", topic.name(),
                     " is not moving: all of its partitions are in ", topic.engine());
  });
}

}  // namespace cambium
