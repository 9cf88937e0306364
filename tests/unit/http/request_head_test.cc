#include "server/http/request_head.h"

#include <gtest/gtest.h>
#include <string>

#include "server/http/http_hosts.h"

namespace cambium {
namespace {

RequestHead read(kj::StringPtr text) {
  return readRequestHead(text);
}

unsigned faultOf(kj::StringPtr text) {
  auto head = read(text);
  KJ_IF_MAYBE(fault, head.fault) return fault->status;
  return 0;
}

TEST(RequestHead, SaysWhatTheConnectionNeedsToKnow) {
  auto plain = read("GET /a HTTP/1.1\r\nHost: Broker.Example:9280\r\n\r\n"_kj);
  EXPECT_EQ(plain.host, "broker.example"_kj);
  EXPECT_FALSE(plain.isClosing || plain.hasBody || plain.isHead);
  EXPECT_TRUE(read("HEAD / HTTP/1.1\nHost: x\n\n"_kj).isHead) << "lines may end without a carriage return";
  EXPECT_TRUE(read("GET / HTTP/1.0\r\n\r\n"_kj).isClosing);
  EXPECT_TRUE(read("GET / HTTP/1.1\r\nHost: x\r\nconnection: keep-alive, close\r\n\r\n"_kj).isClosing);
  EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n"_kj).isClosing);
  EXPECT_TRUE(read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"_kj).hasBody);
  EXPECT_FALSE(read("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 00\r\n\r\n"_kj).hasBody);
  EXPECT_TRUE(read("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"_kj).hasBody);
}

TEST(RequestHead, FaultsHaveTheirStatus) {
  EXPECT_EQ(faultOf("GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n"_kj), 0u);
  EXPECT_EQ(faultOf("GET /\r\n\r\n"_kj), 400u) << "HTTP/0.9";
  EXPECT_EQ(faultOf("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"_kj), 400u);
  EXPECT_EQ(faultOf("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"_kj), 505u);
  EXPECT_EQ(faultOf("GET / HTTP/1.1\r\n\r\n"_kj), 400u);
  EXPECT_EQ(faultOf("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"_kj), 400u);
  EXPECT_EQ(faultOf("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n"_kj), 400u);
  EXPECT_EQ(faultOf("GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n"_kj), 400u);
  EXPECT_EQ(faultOf("GET / HTTP/1.1\r\nHost : x\r\n\r\n"_kj), 400u);
  EXPECT_EQ(faultOf("GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"_kj), 400u);
  EXPECT_EQ(faultOf("PRI * HTTP/2.0\r\n\r\n"_kj), 505u);
}

TEST(RequestHead, EndsWithTheFirstEmptyLine) {
  auto endOf = [](kj::StringPtr text) { return findEndOfHead(text).orDefault(0); };
  EXPECT_EQ(endOf("GET / HTTP/1.1\r\nHost: x\r\n"_kj), 0u);
  EXPECT_EQ(endOf("a\r\n\r\nbody\r\n\r\n"_kj), 5u);
  EXPECT_EQ(endOf("a\n\nb"_kj), 3u);
  EXPECT_EQ(endOf("a\r\n\r"_kj), 0u);
  EXPECT_EQ(endOf(""_kj), 0u);
}

TEST(RequestHead, HostsWithoutPortBracketsAndDot) {
  auto hostOf = [](kj::StringPtr text) { return std::string(hostOfAuthority(text).cStr()); };
  EXPECT_EQ(hostOf("a.example.:80"_kj), "a.example");
  EXPECT_EQ(hostOf("[FE80::1]:80"_kj), "fe80::1");
  EXPECT_EQ(hostOf("::1"_kj), "::1");
  EXPECT_EQ(hostOf("["_kj), "");
  EXPECT_EQ(hostOf(""_kj), "");
}

TEST(HttpHosts, AllowsLocalhostItsNamesAndTheAddressThatWasConnectedTo) {
  kj::String names[] = {kj::str("Broker-1:9280"), kj::str("::2")};
  HttpHosts hosts(names);
  for (auto host : {"localhost"_kj, "broker-1"_kj, "10.0.0.7"_kj, "::2"_kj})
    EXPECT_TRUE(hosts.allows(host, "10.0.0.7"_kj)) << host.cStr();
  for (auto host : {"broker-2"_kj, "10.0.0.8"_kj, ""_kj})
    EXPECT_FALSE(hosts.allows(host, "10.0.0.7"_kj)) << host.cStr();
  EXPECT_FALSE(HttpHosts().allows(""_kj, ""_kj));
  kj::String all[] = {kj::str("*")};
  EXPECT_TRUE(HttpHosts(all).allows("anything.example"_kj, "10.0.0.7"_kj));
}

}  // namespace
}  // namespace cambium
