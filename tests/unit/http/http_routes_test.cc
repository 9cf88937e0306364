#include "tests/unit/http/http_fixture.h"

namespace cambium {
namespace {

class HttpRoutesTest : public HttpFixture {
 protected:
  HttpRoutesTest() { open(); }
};

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HttpRoutesTest, SaysThatItLivesWhateverTheBrokerDoes) {
  EXPECT_EQ(get("/healthz"_kj).body, "ok\n");
  broker.activity = "recovering"_kj;
  auto answer = get("/healthz"_kj);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "ok\n");
  EXPECT_EQ(answer.headers["Content-Length"], "3");
  EXPECT_EQ(answer.headers["Content-Type"], "text/plain; charset=utf-8");
  EXPECT_EQ(answer.headers["Cache-Control"], "no-store");
}

TEST_F(HttpRoutesTest, IsReadyOnceTheBrokerServes) {
  broker.activity = "recovering: words-0: scanned 12 MiB"_kj;
  auto before = get("/readyz"_kj);
  EXPECT_EQ(before.status, 503u);
  EXPECT_EQ(before.body, "not ready: recovering: words-0: scanned 12 MiB\n");

  broker.activity = nullptr;
  auto after = get("/readyz"_kj);
  EXPECT_EQ(after.status, 200u);
  EXPECT_EQ(after.body, "ready\n");
}

TEST_F(HttpRoutesTest, ServesWithAFullDiskAndSaysSo) {
  broker.refusing = "disk full: the device of /data has 3 MiB free\nand a reserve of 64 MiB"_kj;
  auto answer = get("/readyz"_kj);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "ready; disk full: the device of /data has 3 MiB free and a reserve of 64 MiB\n");
}

TEST_F(HttpRoutesTest, WhatTheBrokerDoesIsOneLineOfBoundedLength) {
  broker.activity = "reading\r\na\x7f file"_kj;
  EXPECT_EQ(get("/readyz"_kj).body, "not ready: reading  a  file\n");

  // 299 bytes, then characters of two bytes each: the limit of 300 falls into the first of them.
  auto text = std::string(299, 'x') + "\xc3\xa9\xc3\xa9";
  broker.activity = kj::StringPtr(text.c_str(), text.size());
  EXPECT_EQ(get("/readyz"_kj).body, "not ready: " + std::string(299, 'x') + "\n");
}

TEST_F(HttpRoutesTest, NamesItsRoutes) {
  auto answer = get("/"_kj);
  EXPECT_EQ(answer.status, 200u);
  for (auto* part : {"Cambium 1.2.3", "/healthz", "/readyz", "/metrics"})
    EXPECT_TRUE(contains(answer.body, part)) << part;
}

TEST_F(HttpRoutesTest, ServesMetrics) {
  auto answer = get("/metrics"_kj);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(answer.headers["Content-Length"], std::to_string(answer.body.size()));
  for (auto* part : {"cambium_build_info{version=\"1.2.3\",cluster_id=\"cluster\"} 1\n", "cambium_ready 1\n",
                     "cambium_partitions 7\n", "cambium_connections{door=\"rpc\"} 3\n",
                     "cambium_connections{door=\"http\"} 1\n", "cambium_storage_open_files{engine=\"memory\"} 0\n"}) {
    EXPECT_TRUE(contains(answer.body, part)) << part << "\n" << answer.body;
  }
}

TEST_F(HttpRoutesTest, MetricsOfABrokerThatRecoversLeaveOutWhatIsNotKnown) {
  broker.activity = "recovering"_kj;
  auto answer = get("/metrics"_kj);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_TRUE(contains(answer.body, "cambium_ready 0\n"));
  EXPECT_TRUE(contains(answer.body, "cambium_process_resident_memory_bytes 4096\n"));
  EXPECT_FALSE(contains(answer.body, "cambium_partitions"));
  EXPECT_EQ(broker.asked, 0);
}

TEST_F(HttpRoutesTest, HeadHasTheLengthAndNoBody) {
  auto answer = ask(kj::HttpMethod::HEAD, "/healthz"_kj);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.headers["Content-Length"], "3");
  EXPECT_EQ(answer.body, "");
}

TEST_F(HttpRoutesTest, OtherPathsAreNotFound) {
  for (auto url : {"/nothing"_kj, "/healthz/"_kj, "/healthzz"_kj, "/health"_kj, "//"_kj}) {
    EXPECT_EQ(get(url).status, 404u) << url.cStr();
  }
  EXPECT_EQ(ask(kj::HttpMethod::POST, "/nothing"_kj).status, 404u);
}

TEST_F(HttpRoutesTest, OtherMethodsAreRefusedWithThoseThatAreServed) {
  for (auto method :
       {kj::HttpMethod::POST, kj::HttpMethod::DELETE, kj::HttpMethod::OPTIONS, kj::HttpMethod::PROPFIND}) {
    auto answer = ask(method, "/metrics"_kj);
    EXPECT_EQ(answer.status, 405u);
    EXPECT_EQ(answer.headers["Allow"], "GET, HEAD");
  }
}

TEST_F(HttpRoutesTest, AQueryAndAProxysFormOfTheTargetLeadToTheSamePage) {
  for (auto url : {"/healthz?verbose=1"_kj, "http://broker:9280/healthz"_kj, "http://broker/healthz?a=/readyz"_kj}) {
    EXPECT_EQ(get(url).body, "ok\n") << url.cStr();
  }
  EXPECT_TRUE(contains(get("http://broker"_kj).body, "/metrics"));
}

TEST_F(HttpRoutesTest, SeveralRequestsShareAConnection) {
  auto stream = connect();
  auto client = kj::newHttpClient(table, *stream);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(request(*client, kj::HttpMethod::GET, "/healthz"_kj).wait(waitScope).status, 200u);
}

TEST_F(HttpRoutesTest, WhatIsNotHttpGetsASentence) {
  auto garbage = say("\x16\x03\x01 hello\r\n\r\n"_kj);
  EXPECT_TRUE(contains(garbage, "HTTP/1.1 400 ")) << garbage;
  auto header = say("GET / HTTP/1.1\r\nno colon\r\n\r\n"_kj);
  EXPECT_TRUE(contains(header, "HTTP/1.1 400 ")) << header;
  EXPECT_TRUE(contains(header, "the request is not valid HTTP/1.1\n")) << header;
  auto method = say("FETCH / HTTP/1.1\r\nHost: x\r\n\r\n"_kj);
  EXPECT_TRUE(contains(method, "HTTP/1.1 501 ")) << method;
}

TEST_F(HttpRoutesTest, AFullDoorIsTold) {
  counters.fullLoops = 1;
  EXPECT_EQ(get("/readyz"_kj).body,
            "ready; the rpc door is full with 3 connections, further clients wait for one to leave\n");
}

TEST_F(HttpRoutesTest, AConnectionEndsWhenItsClientWantsThat) {
  for (auto request :
       {"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"_kj,
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: x-y, CLOSE\r\n\r\n"_kj, "GET /healthz HTTP/1.0\r\n\r\n"_kj}) {
    auto answer = say(request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(contains(answer, "Connection: close\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nok\n")) << answer;
  }
  auto two =
      say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
          "GET / HTTP/1.1\r\nHost: x\r\n\r\n"_kj);
  EXPECT_TRUE(contains(two, "ok\nHTTP/1.1 200 OK")) << two;
  EXPECT_TRUE(two.ends_with("ready\n")) << two;
}

// What is wrong with a request is the client's fault: 4xx or 501, a sentence, and no error in the log.
TEST_F(HttpRoutesTest, WhatIsNoValidRequestIsRefused) {
  struct Lines final : public kj::ExceptionCallback {
    void logMessage(kj::LogSeverity severity, const char*, int, int, kj::String&& text) override {
      EXPECT_LE(severity, kj::LogSeverity::WARNING) << text.cStr();
      EXPECT_EQ(strstr(text.cStr(), "stack:"), nullptr) << text.cStr();
    }
  } lines;
  struct Bad {
    kj::StringPtr headers;
    const char* status;
  };
  for (auto& bad :
       std::initializer_list<Bad>{{"Content-Length: abc\r\n\r\n"_kj, "400"},
                                  {"Content-Length: -1\r\n\r\n"_kj, "400"},
                                  {"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"_kj, "400"},
                                  {"Content-Length: 1, 1\r\n\r\nx"_kj, "400"},
                                  {"Content-Length: 99999999999999999999\r\n\r\n"_kj, "400"},
                                  {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"_kj, "400"},
                                  {"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"_kj, "400"},
                                  {"Transfer-Encoding: chunked\r\n\r\n5\r\nhello--\r\n0\r\n\r\n"_kj, "400"},
                                  {"Transfer-Encoding: gzip\r\n\r\n"_kj, "501"},
                                  {"Host: y\r\n\r\n"_kj, "400"},
                                  {"a b: c\r\n\r\n"_kj, "400"},
                                  {" folded\r\n\r\n"_kj, "400"}}) {
    auto answer = say(kj::str("GET /healthz HTTP/1.1\r\nHost: x\r\n", bad.headers));
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + bad.status)) << bad.headers.cStr() << answer;
    EXPECT_TRUE(contains(answer, "Connection: close\r\n")) << answer;
  }
  EXPECT_TRUE(say("GET /healthz HTTP/1.1\r\n\r\n"_kj).starts_with("HTTP/1.1 400 ")) << "no host";
  EXPECT_TRUE(say("GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n"_kj).starts_with("HTTP/1.1 505 "));
  EXPECT_TRUE(say(kj::str("GET / HTTP/1.1\r\na: ", kj::repeat('a', 20'000))).starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpRoutesTest, ARequestWithABodyIsAnsweredAndEndsItsConnection) {
  for (auto body :
       {"Content-Length: 5\r\n\r\nhello"_kj, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"_kj}) {
    auto answer = say(kj::str("GET /healthz HTTP/1.1\r\nHost: x\r\n", body));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    EXPECT_TRUE(answer.ends_with("ok\n")) << answer;
  }
  auto large = say(kj::str("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 80000\r\n\r\n", kj::repeat('x', 80'000)));
  EXPECT_TRUE(large.starts_with("HTTP/1.1 413 ")) << large;
}

TEST_F(HttpRoutesTest, AnotherHostIsRefused) {
  for (auto request : {"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n"_kj,
                       "GET http://evil.example/metrics HTTP/1.1\r\nHost: x\r\n\r\n"_kj}) {
    auto answer = say(request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 421 Misdirected Request\r\n")) << answer;
    EXPECT_TRUE(contains(answer, "--http_hosts")) << answer;
  }
}

TEST_F(HttpRoutesTest, AFailureInsideIsNotShownToTheClient) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  broker.reportGate = paf.promise.fork();
  paf.fulfiller->reject(KJ_EXCEPTION(FAILED, "the secret"));
  auto answer = get("/metrics"_kj);
  EXPECT_EQ(answer.status, 500u);
  EXPECT_EQ(answer.body, "the broker could not answer; its log says why\n");
  // The next page is made anew.
  broker.reportGate = nullptr;
  EXPECT_EQ(get("/metrics"_kj).status, 200u);
}

TEST_F(HttpRoutesTest, EnginesThatFailAreLeftOut) {
  broker.enginesBroken = true;
  auto answer = get("/metrics"_kj);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_FALSE(contains(answer.body, "cambium_storage"));
  EXPECT_TRUE(contains(answer.body, "cambium_partitions 7\n"));
}

}  // namespace
}  // namespace cambium
