#pragma once

#include "server/kafka/wire/shape.h"

// UpdateFeatures (key 57). Source of the fields: UpdateFeaturesRequest.json and UpdateFeaturesResponse.json of
// kafka-clients 4.3.1.

namespace cambium::kafka {

struct UpdateFeaturesRequest {
  static constexpr MessageFacts kFacts{57, "UpdateFeaturesRequest", versions(0, 2), 0};

  struct FeatureUpdate {
    Text feature;
    int16_t maxVersionLevel = 0;
    bool allowDowngrade = false;
    int8_t upgradeType = 1;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("feature", m.feature);
      v("maxVersionLevel", m.maxVersionLevel);
      v("allowDowngrade", m.allowDowngrade, until(0));
      v("upgradeType", m.upgradeType, since(1));
    }
  };

  int32_t timeoutMs = 60000;
  kj::Vector<FeatureUpdate> featureUpdates;
  bool validateOnly = false;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("timeoutMs", m.timeoutMs);
    v("featureUpdates", m.featureUpdates);
    v("validateOnly", m.validateOnly, since(1));
  }
};

struct UpdateFeaturesResponse {
  static constexpr MessageFacts kFacts{57, "UpdateFeaturesResponse", versions(0, 2), 0};

  struct Result {
    Text feature;
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("feature", m.feature);
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  kj::Vector<Result> results;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, nullable());
    v("results", m.results, until(1));
  }
};

}  // namespace cambium::kafka
