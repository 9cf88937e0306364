#include <kj/debug.h>

#include "engine/record/record_reader.h"
#include "tests/crash/crash_run.h"

// The half of CrashRun that looks at what is there.

namespace cambium {

namespace {

void add(CrashRun::Complaints& complaints, const std::string& about, const CrashRun::Complaints& more) {
  for (auto& complaint : more)
    complaints.push_back(about + ": " + complaint);
}

std::string settingOf(const Topic& topic) {
  for (auto& setting : topic.settings()) {
    if (setting.name == "max.message.bytes") return setting.value.cStr();
  }
  return "";
}

}  // namespace

std::optional<LogContents> CrashRun::contentsOf(PartitionKey key, std::string& whyNot) {
  LogContents contents;
  auto failed = [&](auto&& why) -> std::optional<LogContents> {
    whyNot = kj::str(why).cStr();
    return std::nullopt;
  };
  std::optional<LogContents> result;
  auto thrown = kj::runCatchingExceptions([&] {
    auto bounds = broker_->wait(broker_->local().findOffset(key, {OffsetQuery::Kind::kEarliest}));
    if (!bounds.ok()) return void(result = failed(bounds.error()));
    contents.start = bounds.value().offset.value();
    for (Offset next(contents.start);;) {
      auto read = broker_->wait(broker_->local().read(key, {.from = next}));
      if (!read.ok()) return void(result = failed(read.error()));
      contents.end = read.value().highWatermark.value();
      BatchIterator batches(read.value().batches);
      while (auto* batch = batches.next()) {
        RecordReader records(*batch);
        while (auto* record = records.next()) {
          if (record->offset < Offset(contents.start)) continue;
          auto value = KJ_ASSERT_NONNULL(record->value).asChars();
          contents.records.push_back({record->offset.value(), std::string(value.begin(), value.size())});
        }
        KJ_IF_MAYBE(error, records.error()) return void(result = failed(*error));
      }
      if (read.value().nextOffset == next) break;
      next = read.value().nextOffset;
    }
    result = contents;
  });
  KJ_IF_MAYBE(exception, thrown) return failed(exception->getDescription());
  return result;
}

void CrashRun::checkTopic(const std::string& name, Topic& topic, Complaints& complaints, Leniency leniency) {
  auto& latest = topic.latest();
  auto found = broker_->local().topic(name.c_str());
  if (!found.ok()) {
    if (latest.id && !latest.deleting) complaints.push_back(name + ": a topic is lost");
    return;
  }
  auto& there = *found.value();
  // Which one it is: the latest, or, when making that was not acknowledged, the one before.
  auto* which = &latest;
  if (!latest.id && topic.incarnations.size() > 1) {
    auto& before = topic.incarnations[topic.incarnations.size() - 2];
    if (before.id && there.id() == *before.id) which = &before;
  }
  if (which->id && there.id() != *which->id) return complaints.push_back(name + ": it is another topic");
  if (which->deleted) return complaints.push_back(name + ": a deleted topic is back");
  if (!which->engines.contains(there.engine().cStr())) complaints.push_back(name + ": it is on another engine");
  auto setting = settingOf(there);
  bool settingKnown = setting == which->setting || setting == which->settingTried;
  if (!settingKnown) complaints.push_back(name + ": a setting is lost, it is " + setting);
  if (!which->setting.empty() && setting.empty()) complaints.push_back(name + ": a setting is back at its default");
  std::string whyNot;
  auto contents = contentsOf({there.id(), 0}, whyNot);
  if (contents) {
    add(complaints, name, which->log.check(*contents, leniency.needAll));
  } else if (leniency.said != nullptr) {
    leniency.said->push_back(name + " cannot be read: " + whyNot);
  } else if (!leniency.offline) {
    complaints.push_back(name + " cannot be read: " + whyNot);
  }
}

void CrashRun::checkOffsets(Complaints& complaints, Leniency leniency) {
  FetchOffsetsRequest request;
  request.who.group = kGroup.cStr();
  auto answer = broker_->wait(broker_->local().fetchOffsets(kj::mv(request)));
  std::map<std::string, int64_t> found;
  if (answer.ok()) {
    for (auto& one : answer.value())
      found[one.key.topic] = one.offset.offset.value();
  } else if (leniency.offline) {
    if (leniency.said != nullptr) leniency.said->push_back(kj::str("offsets: ", answer.error()).cStr());
    return;
  } else {
    complaints.push_back(kj::str("offsets cannot be fetched: ", answer.error()).cStr());
  }
  for (auto& [name, committed] : committed_) {
    auto offset = found.contains(name) ? found[name] : -1;
    auto& topic = topics_.at(name).incarnations.front();
    if (topic.deleted && offset >= 0 && forgotten_) {
      complaints.push_back(kj::str("offset ", offset, " of a deleted topic is back: ", name.c_str()).cStr());
    }
    if (topic.deleting) continue;
    if (offset < committed.acknowledged || offset > committed.tried) {
      complaints.push_back(kj::str(name.c_str(), ": the group is at ", offset, ", acknowledged was ",
                                   committed.acknowledged, ", tried ", committed.tried)
                               .cStr());
    }
  }
}

void CrashRun::check(Complaints& complaints, Leniency leniency) {
  for (auto& [name, topic] : topics_)
    checkTopic(name, topic, complaints, leniency);
  checkOffsets(complaints, leniency);
}

CrashRun::Complaints CrashRun::checkRunning() {
  Complaints complaints = whenRestarted_;
  if (broker_.get() == nullptr) {
    complaints.push_back(std::string("the broker did not start again after one error, in ") + step_);
    return complaints;
  }
  check(complaints, {.offline = true, .needAll = !restartedUncleanly_});
  return complaints;
}

void CrashRun::end(bool cleanly) {
  if (cleanly) {
    broker_->stop();
  } else {
    files_.powerOff();
  }
  broker_ = nullptr;
  if (!cleanly) files_.crash({.kind = MemoryFileSystem::Loss::Kind::kNothing});
}

CrashRun::Complaints CrashRun::startAndCheck(Complaints& said, bool& served, bool needAll) {
  Complaints complaints;
  size_t before = said.size();
  auto oracle = topics_;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                if (!start(&said)) return;
                check(complaints, {.offline = true, .needAll = needAll, .said = &said});
                if (complaints.empty()) useWhatIsThere(complaints);
              })) {
    complaints.push_back(kj::str(*exception).cStr());
  }
  served = said.size() == before;
  broker_ = nullptr;
  topics_ = kj::mv(oracle);
  return complaints;
}

CrashRun::Complaints CrashRun::crashAndCheck(MemoryFileSystem::Loss loss) {
  Complaints complaints = whenRestarted_;
  for (int round = 0; round < 2; ++round) {
    auto about = round == 0 ? std::string("after the crash") : std::string("after the second crash");
    files_.powerOff();
    broker_ = nullptr;
    loss.seed += static_cast<uint64_t>(round);
    files_.crash(loss);
    Complaints now;
    auto thrown = kj::runCatchingExceptions([&] {
      if (!start(&now)) return;
      check(now, {});
      useWhatIsThere(now);
      Complaints later;
      check(later, {});
      add(now, "after use", later);
    });
    KJ_IF_MAYBE(exception, thrown) now.push_back(kj::str(*exception).cStr());
    add(complaints, about, now);
    if (!now.empty()) break;
  }
  return complaints;
}

void CrashRun::useWhatIsThere(Complaints& complaints) {
  for (auto& [name, topic] : topics_) {
    auto found = broker_->local().topic(name.c_str());
    if (!found.ok()) continue;
    auto& latest = topic.latest();
    // A topic that was being made when the power went, or one that was being deleted before another was made.
    if (!latest.id || *latest.id != found.value()->id()) continue;
    useTopic(name, latest, complaints);
  }
}

void CrashRun::useTopic(const std::string& name, Incarnation& topic, Complaints& complaints) {
  std::string whyNot;
  auto key = KJ_ASSERT_NONNULL(keyOf(name));
  auto contents = contentsOf(key, whyNot);
  if (!contents) return;  // complained about already
  topic.log.settle(*contents);
  resend(name, topic, key, complaints);
  auto value = newValue(name);
  auto number = topic.log.sends(value);
  auto batch = valueBatch(value);
  auto appended = broker_->wait(broker_->local().append(key, batch, Acks::kAll));
  if (!appended.ok()) {
    complaints.push_back(kj::str(name.c_str(), " cannot be appended to: ", appended.error()).cStr());
    return;
  }
  topic.log.acknowledged(number, appended.value().baseOffset.value());
  if (topic.safety == Safety::kFsync) topic.log.makeSafe(number);
}

// An idempotent producer that did not hear, or does not remember having heard, sends again: everything is there once.
void CrashRun::resend(const std::string& name, Incarnation& topic, PartitionKey key, Complaints& complaints) {
  auto& producer = topic.producer;
  if (!producer.last.empty()) {
    auto batch = idempotentBatch(topic, producer.last, producer.next - 1);
    auto again = broker_->wait(broker_->local().append(key, batch, Acks::kAll));
    if (!again.ok() || !again.value().duplicate || again.value().baseOffset != Offset(producer.lastOffset)) {
      complaints.push_back(kj::str(name.c_str(), ": a duplicate is not recognised: ",
                                   again.ok() ? kj::str(again.value().baseOffset) : kj::str(again.error()))
                               .cStr());
    }
  }
  if (producer.uncertain.empty()) return;
  produceNext(name);
  if (!producer.uncertain.empty()) complaints.push_back(name + ": what was uncertain cannot be sent again");
}

size_t CrashRun::safeCount() const {
  size_t count = 0;
  for (auto& [name, topic] : topics_) {
    for (auto& one : topic.incarnations)
      count += one.deleting ? 0 : one.log.safeCount();
  }
  return count;
}

}  // namespace cambium
