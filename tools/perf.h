#pragma once

#include "tools/session.h"

namespace cambium::tools {

// `cambium perf produce` and `cambium perf consume`: the first argument of the session is the topic.
kj::Promise<int> perfProduce(Session& session);
kj::Promise<int> perfConsume(Session& session);

}  // namespace cambium::tools
