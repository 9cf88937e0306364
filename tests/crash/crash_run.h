#pragma once

#include <map>
#include <optional>
#include <set>

#include "tests/crash/log_oracle.h"
#include "tests/support/memory_broker.h"
#include "tests/support/memory_file_system.h"

namespace cambium {

// A small life of a broker, over a disk that can fail, with an oracle: topics on both engines and with every
// durability are made, filled, altered, cut, deleted and made again, groups commit, the broker restarts in the middle.
// What the broker acknowledged is noted, and held against what a broker finds that starts on what is left.
class CrashRun {
 public:
  // `storeFolder`: see MemoryBroker.
  CrashRun(MemoryBroker::Surroundings& surroundings, kj::StringPtr storeFolder, kj::StringPtr logEngine,
           kj::StringPtr stateEngine);
  ~CrashRun() noexcept(false);
  KJ_DISALLOW_COPY(CrashRun);

  using Complaints = std::vector<std::string>;

  MemoryFileSystem& files() { return files_; }
  // All steps, or those before the power goes off. A step that fails is only noted.
  void live();
  // After live() with a file call that failed: each partition is offline, or everything acknowledged is there.
  // Returns what is not as it may be, on the broker as it runs.
  Complaints checkRunning();
  // Power goes off, when it is still on; then a broker starts on what is left and is held against the oracle, and
  // appended to, and loses power again, twice in all. Returns what was not as it may be.
  Complaints crashAndCheck(MemoryFileSystem::Loss loss);
  // Ends the broker, cleanly or as a kill does; the files stay.
  void end(bool cleanly);
  // A broker starts on what is there, is held against the oracle, appended to, and ends. Returns what is not as it may
  // be without the broker having said so: what it says (that it does not start, why a topic or the offsets cannot be
  // read, warnings) is added to `said`. `served` becomes false when not everything can be read. The oracle stays as it
  // was; the files do not.
  // With `needAll` what was acknowledged without being synced has to be there as well.
  Complaints startAndCheck(Complaints& said, bool& served, bool needAll);
  // How many records had to be there.
  size_t safeCount() const;
  // The step that was under way last.
  const char* step() const { return step_; }

 private:
  enum class Safety { kFsync, kInterval, kOs };
  // One topic from its making to its deletion.
  struct Incarnation {
    std::string engine;             // it was made on
    std::set<std::string> engines;  // it may belong to, after moves of which some were not acknowledged
    Safety safety;
    LogOracle log;
    std::optional<Uuid> id;  // known when making it was acknowledged
    bool deleting = false, deleted = false;
    std::string setting;  // of max.message.bytes, acknowledged
    std::string settingTried;
    struct Producer {
      int64_t id = -1;
      int32_t next = 0;       // sequence
      std::string uncertain;  // the record that was sent last and not acknowledged; "" when there is none
      std::string last;       // … that was acknowledged last
      int64_t lastOffset = -1;
    } producer;
  };
  struct Topic {
    std::vector<Incarnation> incarnations;
    Incarnation& latest() { return incarnations.back(); }
  };
  struct Committed {
    int64_t tried = -1, acknowledged = -1;
  };
  struct Step {
    const char* name;
    void (CrashRun::*run)();
  };
  static const Step kSteps[];
  static constexpr kj::StringPtr kGroup = "readers"_kj;

  // --- Steps
  void makeTopics();
  void produceOnce();
  void produceIdempotently();
  void commitOffsets();
  void letIntervalsPass();
  void readAll();
  void deleteRecords();
  void alterConfigs();
  void moveTopics();
  void restart();
  void deleteTopics();
  void makeTopicsAgain();

  void makeTopic(const std::string& name, kj::StringPtr engine, Safety safety);
  // One batch of so many records; several batches are under way at once.
  void produce(const std::vector<std::string>& topics, int records, Acks acks);
  void produceNext(const std::string& topic);
  kj::Array<kj::byte> idempotentBatch(const Incarnation& topic, const std::string& value, int32_t sequence);
  std::string newValue(const std::string& topic);
  kj::Array<kj::byte> valueBatch(const std::string& value);

  // What a promise gives; null when it, or what was asked, fails.
  template <class T>
  kj::Maybe<T> tryTo(kj::Promise<Result<T>> promise);
  bool start(Complaints* complaints);
  kj::Maybe<PartitionKey> keyOf(const std::string& topic);
  // Null with the reason when it cannot be read.
  std::optional<LogContents> contentsOf(PartitionKey key, std::string& whyNot);

  struct Leniency {
    bool offline = false;
    bool needAll = false;
    Complaints* said = nullptr;  // takes the reasons why something is offline
  };
  void check(Complaints& complaints, Leniency leniency);
  void checkTopic(const std::string& name, Topic& topic, Complaints& complaints, Leniency leniency);
  void checkOffsets(Complaints& complaints, Leniency leniency);
  // Goes on with what is there, and appends to all of it.
  void useWhatIsThere(Complaints& complaints);
  void useTopic(const std::string& name, Incarnation& topic, Complaints& complaints);
  void resend(const std::string& name, Incarnation& topic, PartitionKey key, Complaints& complaints);

  MemoryBroker::Surroundings& surroundings_;
  kj::String storeFolder_, logEngine_, stateEngine_;
  MemoryFileSystem files_;
  kj::Own<MemoryBroker> broker_;
  std::map<std::string, Topic> topics_;
  std::map<std::string, Committed> committed_;  // by topic
  Complaints whenRestarted_;
  bool restartedUncleanly_ = false;
  bool forgotten_ = false;  // every deletion so far met no error: the offsets of its topic are gone as well
  int values_ = 0;
  const char* step_ = "start";
};

}  // namespace cambium
