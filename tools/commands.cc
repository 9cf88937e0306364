#include <kj/vector.h>

#include "tools/command.h"

namespace cambium::tools {

kj::ArrayPtr<const Command> allCommands() {
  static const kj::Array<const Command> commands = [] {
    kj::Vector<Command> all;
    for (auto group : {topicCommands(), moveCommands(), produceCommands(), consumeCommands(), recordsCommands(),
                       groupCommands(), brokerCommands(), perfCommands(), inspectCommands(), completionCommands()}) {
      all.addAll(group);
    }
    return kj::Array<const Command>(all.releaseAsArray());
  }();
  return commands;
}

}  // namespace cambium::tools
