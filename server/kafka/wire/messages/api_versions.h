#pragma once

#include "server/kafka/wire/shape.h"

// ApiVersions (key 18). Source of the fields: ApiVersionsRequest.json and ApiVersionsResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct ApiVersionsRequest {
  static constexpr MessageFacts kFacts{18, "ApiVersionsRequest", versions(0, 4), 3};

  Text clientSoftwareName;
  Text clientSoftwareVersion;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("clientSoftwareName", m.clientSoftwareName, since(3));
    v("clientSoftwareVersion", m.clientSoftwareVersion, since(3));
  }
};

struct ApiVersionsResponse {
  static constexpr MessageFacts kFacts{18, "ApiVersionsResponse", versions(0, 4), 3};

  struct Api {
    int16_t apiKey = 0;
    int16_t minVersion = 0;
    int16_t maxVersion = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("apiKey", m.apiKey);
      v("minVersion", m.minVersion);
      v("maxVersion", m.maxVersion);
    }
  };

  struct SupportedFeature {
    Text name;
    int16_t minVersion = 0;
    int16_t maxVersion = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, since(3));
      v("minVersion", m.minVersion, since(3));
      v("maxVersion", m.maxVersion, since(3));
    }
  };

  struct FinalizedFeature {
    Text name;
    int16_t maxVersionLevel = 0;
    int16_t minVersionLevel = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name, since(3));
      v("maxVersionLevel", m.maxVersionLevel, since(3));
      v("minVersionLevel", m.minVersionLevel, since(3));
    }
  };

  int16_t errorCode = 0;
  kj::Vector<Api> apiKeys;
  int32_t throttleTimeMs = 0;
  kj::Vector<SupportedFeature> supportedFeatures;
  int64_t finalizedFeaturesEpoch = -1;
  kj::Vector<FinalizedFeature> finalizedFeatures;
  bool zkMigrationReady = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("errorCode", m.errorCode);
    v("apiKeys", m.apiKeys);
    v("throttleTimeMs", m.throttleTimeMs, since(1));
    v("supportedFeatures", m.supportedFeatures, since(3).tagged(0));
    v("finalizedFeaturesEpoch", m.finalizedFeaturesEpoch, since(3).tagged(1, -1));
    v("finalizedFeatures", m.finalizedFeatures, since(3).tagged(2));
    v("zkMigrationReady", m.zkMigrationReady, since(3).tagged(3));
  }
};

}  // namespace cambium::kafka
