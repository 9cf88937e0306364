#include "bench/kafka/peers.h"

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <kj/debug.h>

#include "bench/kafka/replayer.h"

namespace cambium::bench {

namespace {

constexpr uint64_t kMayStayBytes = 32 << 20;  // indexes, journals
constexpr int kGoneSeconds = 5;

// What a folder takes on the device. Files may come and go meanwhile.
uint64_t folderBytes(kj::StringPtr folder) {
  uint64_t bytes = 0;
  std::error_code ignored;
  auto entries = std::filesystem::recursive_directory_iterator(folder.cStr(), ignored);
  for (; entries != std::filesystem::recursive_directory_iterator(); entries.increment(ignored)) {
    struct stat about{};
    if (lstat(entries->path().c_str(), &about) == 0) bytes += static_cast<uint64_t>(about.st_blocks) * 512;
    if (ignored) break;
  }
  return bytes;
}

// A topic's configs that mean `durability` to a broker.
using ConfigsOf = kj::Vector<Setting> (*)(kj::StringPtr durability);

kj::Vector<Setting> cambiumConfigs(kj::StringPtr durability) {
  kj::Vector<Setting> configs;
  configs.add(Setting{"durability", durability});
  return configs;
}

kj::Vector<Setting> kafkaConfigs(kj::StringPtr durability) {
  kj::Vector<Setting> configs;
  if (durability == "fsync") configs.add(Setting{"flush.messages", "1"});
  return configs;
}

// A whole broker, with topics that are made and dropped through the protocol.
class RealPeer final : public Peer {
 public:
  RealPeer(kj::Own<BrokerProcess> broker, kj::StringPtr folder, ConfigsOf configsOf)
      : Peer(kj::mv(broker)), folder_(kj::str(folder)), configsOf_(configsOf), admin_(this->broker().address()) {}

  kj::String makeTopic(int partitions, kj::StringPtr durability) override {
    auto topic = kj::str("bench-", ++made_);
    admin_.create(topic, partitions, configsOf_(durability));
    awaitWritable(broker(), topic, partitions);
    return topic;
  }

  void dropTopic(kj::StringPtr topic) override {
    admin_.drop(topic);
    for (int tenths = 0; folderBytes(folder_) > kMayStayBytes; ++tenths) {
      if (tenths >= kGoneSeconds * 10) {
        if (!told_) KJ_LOG(WARNING, "the files of dropped topics stay; later runs find other memory", folder_);
        told_ = true;
        break;
      }
      usleep(100'000);
    }
    broker().settle();
  }

  bool keepsRecords() const override { return true; }

 private:
  kj::String folder_;
  ConfigsOf configsOf_;
  TopicAdmin admin_;
  unsigned made_ = 0;
  bool told_ = false;
};

// The null broker: every name is a topic, and what a connection wrote goes with it.
class NullPeer final : public Peer {
 public:
  explicit NullPeer(kj::Own<BrokerProcess> broker) : Peer(kj::mv(broker)) {}
  kj::String makeTopic(int, kj::StringPtr) override { return kj::str("bench"); }
  void dropTopic(kj::StringPtr) override { broker().settle(); }
  bool keepsRecords() const override { return false; }
};

kj::Own<BrokerProcess> run(kj::Vector<kj::String> command, uint16_t port, kj::StringPtr folder) {
  return kj::heap<BrokerProcess>(command, port, kj::str(folder, ".log"));
}

kj::Own<Peer> startCambium(kj::StringPtr program, kj::StringPtr engine, kj::StringPtr folder) {
  auto port = freePort();
  kj::Vector<kj::String> command;
  command.add(kj::str(program));
  command.add(kj::str("--data_dir=", folder));
  command.add(kj::str("--kafka_listen=127.0.0.1:", port));
  command.add(kj::str("--rpc_listen="));
  command.add(kj::str("--http_listen="));
  command.add(kj::str("--log_engine=", engine));
  command.add(kj::str("--state_engine=", engine));
  return kj::heap<RealPeer>(run(kj::mv(command), port, folder), folder, cambiumConfigs);
}

kj::Own<Peer> startKafka(kj::StringPtr program, kj::StringPtr folder) {
  auto port = freePort();
  kj::Vector<kj::String> command;
  command.add(kj::str(program));
  command.add(kj::str("--data=", folder));
  command.add(kj::str("--port=", port));
  command.add(kj::str("--controller-port=", freePort()));
  return kj::heap<RealPeer>(run(kj::mv(command), port, folder), folder, kafkaConfigs);
}

kj::Own<Peer> startNull(kj::StringPtr program, bool walks, kj::StringPtr folder) {
  auto port = freePort();
  kj::Vector<kj::String> command;
  command.add(kj::str(program));
  command.add(kj::str("--port=", port));
  command.add(kj::str("--dir=", folder));
  command.add(kj::str("--walk_records=", walks ? "true" : "false"));
  return kj::heap<NullPeer>(run(kj::mv(command), port, folder));
}

}  // namespace

kj::Own<Peer> Peer::start(kj::StringPtr name, const Programs& programs, kj::StringPtr folder) {
  std::filesystem::create_directories(folder.cStr());
  if (name == "cambium") return startCambium(programs.cambiumd, "native", folder);
  if (name == "cambium-rocksdb") return startCambium(programs.cambiumd, "rocksdb", folder);
  if (name == "kafka") return startKafka(programs.startKafka, folder);
  if (name == "null") return startNull(programs.nullBroker, false, folder);
  if (name == "null-walking") return startNull(programs.nullBroker, true, folder);
  KJ_FAIL_REQUIRE("there is no subject of this name; known are cambium, cambium-rocksdb, null, null-walking, kafka",
                  name);
}

}  // namespace cambium::bench
