#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <kj/string.h>

namespace cambium {

// Names of topics, to be asked for one that differs from another in '.' and '_' only: Kafka's metrics write both in the
// same way, so that nobody could tell such topics apart there. A name may be in it several times.
class SimilarNames {
 public:
  void add(kj::StringPtr name);
  // Takes the name out once. Nothing happens when it is not there.
  void remove(kj::StringPtr name);
  // A name that is in it, is not `name`, and looks the same. Valid until the next change.
  kj::Maybe<kj::StringPtr> findSimilar(kj::StringPtr name) const;

 private:
  // By the name with '_' for every '.'. Names without either of them are left out: none looks like them.
  std::unordered_map<std::string, std::vector<std::string>> names_;
};

}  // namespace cambium
