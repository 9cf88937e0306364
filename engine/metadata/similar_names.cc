#include "engine/metadata/similar_names.h"

#include <algorithm>

namespace cambium {

namespace {

bool hasSimilar(kj::StringPtr name) {
  return std::any_of(name.begin(), name.end(), [](char c) { return c == '.' || c == '_'; });
}

std::string lookOf(kj::StringPtr name) {
  std::string look(name.begin(), name.size());
  std::replace(look.begin(), look.end(), '.', '_');
  return look;
}

}  // namespace

void SimilarNames::add(kj::StringPtr name) {
  if (hasSimilar(name)) names_[lookOf(name)].emplace_back(name.begin(), name.size());
}

void SimilarNames::remove(kj::StringPtr name) {
  auto found = names_.find(lookOf(name));
  if (found == names_.end()) return;
  auto& alike = found->second;
  auto place = std::find(alike.begin(), alike.end(), std::string(name.begin(), name.size()));
  if (place != alike.end()) alike.erase(place);
  if (alike.empty()) names_.erase(found);
}

kj::Maybe<kj::StringPtr> SimilarNames::findSimilar(kj::StringPtr name) const {
  auto found = names_.find(lookOf(name));
  if (found == names_.end()) return nullptr;
  for (auto& other : found->second)
    if (name != other.c_str()) return kj::StringPtr(other.c_str(), other.size());
  return nullptr;
}

}  // namespace cambium
