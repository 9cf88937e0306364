#pragma once

#include <kj/string.h>
#include <kj/vector.h>

namespace cambium {

// The names under which the HTTP door may be asked. A page that a browser has loaded from elsewhere can make its own
// name stand for this machine's address (DNS rebinding) and would then be allowed to read the answers; the Host header
// gives it away.
class HttpHosts final {
 public:
  // Allows "localhost" and the names given, of which "*" allows every name.
  explicit HttpHosts(kj::ArrayPtr<const kj::String> names = nullptr);

  // `host`: as RequestHead has it. `local`: the address that the client connected to, which is always allowed.
  bool allows(kj::StringPtr host, kj::StringPtr local) const;

 private:
  kj::Vector<kj::String> names_;
  bool all_ = false;
};

}  // namespace cambium
