#include "server/http/http_hosts.h"

#include "server/http/request_head.h"

namespace cambium {

HttpHosts::HttpHosts(kj::ArrayPtr<const kj::String> names) {
  for (auto& name : names) {
    if (name == "*") {
      all_ = true;
    } else {
      names_.add(hostOfAuthority(name));
    }
  }
}

bool HttpHosts::allows(kj::StringPtr host, kj::StringPtr local) const {
  if (all_ || host == "localhost" || (host == local && host.size() > 0)) return true;
  for (auto& name : names_) {
    if (host == name) return true;
  }
  return false;
}

}  // namespace cambium
