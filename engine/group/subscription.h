#pragma once

#include <set>
#include <string>

#include "engine/base/quantity.h"

namespace cambium {

// Adds the topics that a member of a group of type "consumer" subscribes to: from the metadata it joins with (Kafka's
// ConsumerProtocolSubscription.json: version int16, then a list of topics, then what later versions added). Adds
// nothing when the bytes are something else.
void addSubscribedTopics(ByteView subscription, std::set<std::string>& topics);

}  // namespace cambium
