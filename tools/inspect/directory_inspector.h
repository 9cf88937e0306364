#pragma once

#include "tools/inspect/rocks_inspection.h"

namespace cambium::tools {

// Looks at a whole data directory: both engines, and whether topics and logs agree.
class DirectoryInspector {
 public:
  // `files` has the data directory as its root, `path` is that in the system's terms.
  DirectoryInspector(Inspection& inspection, FileSystem& files, kj::StringPtr path)
      : inspection_(inspection), files_(files), path_(path) {}

  void run();

 private:
  void printProperties();
  void checkProperties(kj::StringPtr where, kj::StringPtr text);
  void readState(kj::FunctionParam<void()> read);
  void checkTopics();
  void checkTopic(const Topic& topic);
  void checkPartition(const Topic& topic, int32_t index);
  void checkOrphans(kj::ArrayPtr<const HeldLog> logs, kj::StringPtr engine);

  Inspection& inspection_;
  FileSystem& files_;
  const kj::StringPtr path_;
  TopicCatalogue catalogue_;
  bool catalogueComplete_ = true;
  kj::Maybe<kj::Own<NativeInspector>> native_;
  kj::Maybe<kj::Own<RocksStoreInspector>> rocks_;
};

}  // namespace cambium::tools
