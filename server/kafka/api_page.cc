#include "server/kafka/api_page.h"

#include <kj/vector.h>

#include "server/kafka/api.h"

namespace cambium::kafka {

namespace {

kj::String rangeText(Version first, Version last) {
  return first == last ? kj::str(first) : kj::str(first, " to ", last);
}

}  // namespace

kj::String apiPage() {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(
      "# Kafka APIs\n\n"
      "What the Kafka door serves. Made from `server/kafka/api_table.cc`; `kafka_api_test` holds this page to it "
      "and says how to make it anew.\n\n"
      "| key | API | versions | advertised from | flexible from |\n|---|---|---|---|---|\n"));
  for (auto& api : apis()) {
    auto advertised = api.advertisedFirst == api.served.first ? kj::str("") : kj::str(api.advertisedFirst);
    auto flexible = api.flexibleSince == kVersionMax ? kj::str("never") : kj::str(api.flexibleSince);
    lines.add(kj::str("| ", api.key, " | ", api.name, " | ", rangeText(api.served.first, api.served.last), " | ",
                      advertised, " | ", flexible, " |\n"));
  }
  lines.add(
      kj::str("\nA version below the served range closes the connection, as with Kafka; ApiVersions alone answers in "
              "version 0 with UNSUPPORTED_VERSION. Where an API is advertised from a lower version than is served, old "
              "clients test for that version without using it.\n"));
  return kj::strArray(lines, "");
}

}  // namespace cambium::kafka
