#pragma once

#include <map>
#include <set>
#include <tuple>

#include "engine/base/error.h"
#include "server/kafka/wire/value.h"

namespace cambium::kafka {

// What a request names twice. Kafka answers such a thing once or refuses it, API by API; both in trees, because clients
// choose the names, and could choose such that collide in a hash table.

// For what is answered once, however often it is named:
//
//     NamedOnce<std::string_view, int32_t> named;
//     if (!named.first(topic, partition)) continue;
template <class... Key>
class NamedOnce {
 public:
  // True for the first time that this is named.
  bool first(const Key&... key) { return named_.insert(std::tuple<Key...>(key...)).second; }

 private:
  std::set<std::tuple<Key...>> named_;
};

// For what is refused when it is named more than once, in one answer: everything is named first, then each is asked
// for.
template <class... Key>
class NamedTwice {
 public:
  void name(const Key&... key) { ++times_[std::tuple<Key...>(key...)]; }
  bool isNamed(const Key&... key) const { return times_.count(std::tuple<Key...>(key...)) > 0; }
  bool isNamedOnce(const Key&... key) const {
    auto found = times_.find(std::tuple<Key...>(key...));
    return found != times_.end() && found->second == 1;
  }

  enum class Answer {
    kServe,   // named once
    kRefuse,  // named more than once, and not refused yet
    kNone,    // refused already
  };
  Answer answer(const Key&... key) {
    auto& times = times_[std::tuple<Key...>(key...)];
    if (times == 1) return Answer::kServe;
    if (times == 0) return Answer::kNone;
    times = 0;
    return Answer::kRefuse;
  }

 private:
  std::map<std::tuple<Key...>, size_t> times_;  // 0: refused
};

// kInvalidRequest for a `what` that is refused for this.
inline Error namedTwice(kj::StringPtr what, const Text& name) {
  return makeError(ErrorCode::kInvalidRequest, what, " ", name, " is named twice in one request");
}

}  // namespace cambium::kafka
