#include "server/http/request_head.h"

#include <cstring>
#include <string_view>

namespace cambium {

namespace {

constexpr HttpFault kBadRequest{400, "the request is not valid HTTP/1.1\n"_kj};
constexpr HttpFault kBadVersion{505, "only HTTP/1.1 and HTTP/1.0 are served here\n"_kj};
constexpr HttpFault kNoHost{400, "the request has no Host header, or more than one\n"_kj};
constexpr HttpFault kBadLength{400, "the request's Content-Length is no number, or is there more than once\n"_kj};
constexpr HttpFault kTwoLengths{400, "the request has a Content-Length and a Transfer-Encoding\n"_kj};
constexpr HttpFault kBadEncoding{501, "of transfer encodings only chunked is known here\n"_kj};
// So that a length always fits 64 bits.
constexpr size_t kLengthDigitsMax = 18;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 9110, 5.6.2.
bool isToken(std::string_view text) {
  for (char c : text) {
    bool isLetter = lower(c) >= 'a' && lower(c) <= 'z';
    if (!isLetter && !isDigit(c) && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == nullptr)) return false;
  }
  return !text.empty();
}

bool hasControls(std::string_view text) {
  for (char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return true;
  }
  return false;
}

bool same(std::string_view text, std::string_view lowerCase) {
  if (text.size() != lowerCase.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lowerCase[i]) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Takes what stands before `separator` off the text; all of it when there is none.
std::string_view takeUntil(std::string_view& text, char separator) {
  auto end = text.find(separator);
  auto taken = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return taken;
}

std::string_view takeLine(std::string_view& text) {
  auto line = takeUntil(text, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

class HeadReader {
 public:
  RequestHead read(std::string_view text) {
    readRequestLine(takeLine(text));
    while (head_.fault == nullptr) {
      auto line = takeLine(text);
      if (line.empty()) break;
      readHeader(line);
    }
    finish();
    return kj::mv(head_);
  }

 private:
  void refuse(HttpFault fault) {
    if (head_.fault == nullptr) head_.fault = fault;
  }

  void readRequestLine(std::string_view line) {
    auto method = takeUntil(line, ' ');
    auto target = takeUntil(line, ' ');
    if (!isToken(method) || target.empty() || hasControls(target)) return refuse(kBadRequest);
    head_.isHead = method == "HEAD";
    isOld_ = line == "HTTP/1.0";
    if (!line.starts_with("HTTP/")) return refuse(kBadRequest);
    if (!isOld_ && line != "HTTP/1.1") return refuse(kBadVersion);
    head_.isClosing = isOld_;
    // The form for proxies, whose host counts instead of the header's.
    if (target.size() > 7 && same(target.substr(0, 7), "http://")) {
      target.remove_prefix(7);
      target_ = target.substr(0, target.find_first_of("/?#"));
    }
  }

  void readHeader(std::string_view line) {
    auto value = line;
    auto name = takeUntil(value, ':');
    // A line that goes on with the last header begins with a blank: no name.
    if (!isToken(name) || name.size() == line.size() || hasControls(value)) return refuse(kBadRequest);
    value = trim(value);
    if (same(name, "host")) {
      ++hosts_;
      host_ = value;
    } else if (same(name, "content-length")) {
      readLength(value);
    } else if (same(name, "transfer-encoding")) {
      if (++encodings_ > 1 || !same(value, "chunked")) return refuse(kBadEncoding);
      head_.hasBody = true;
    } else if (same(name, "connection")) {
      while (!value.empty()) {
        if (same(trim(takeUntil(value, ',')), "close")) head_.isClosing = true;
      }
    }
  }

  void readLength(std::string_view value) {
    if (++lengths_ > 1 || value.empty() || value.size() > kLengthDigitsMax) return refuse(kBadLength);
    for (char c : value) {
      if (!isDigit(c)) return refuse(kBadLength);
      if (c != '0') head_.hasBody = true;
    }
  }

  void finish() {
    if (lengths_ > 0 && encodings_ > 0) refuse(kTwoLengths);
    if (hosts_ > 1 || (hosts_ == 0 && !isOld_)) refuse(kNoHost);
    auto host = target_.empty() ? host_ : target_;
    head_.host = hostOfAuthority(kj::arrayPtr(host.data(), host.size()));
  }

  RequestHead head_;
  bool isOld_ = false;
  int hosts_ = 0, lengths_ = 0, encodings_ = 0;
  std::string_view host_, target_;
};

}  // namespace

RequestHead readRequestHead(kj::ArrayPtr<const char> head) {
  return HeadReader().read(std::string_view(head.begin(), head.size()));
}

kj::Maybe<size_t> findEndOfHead(kj::ArrayPtr<const char> bytes) {
  std::string_view text(bytes.begin(), bytes.size());
  for (auto line = text.find('\n'); line != std::string_view::npos; line = text.find('\n', line + 1)) {
    auto rest = text.substr(line + 1);
    if (rest.starts_with('\n')) return line + 2;
    if (rest.starts_with("\r\n")) return line + 3;
  }
  return nullptr;
}

kj::String hostOfAuthority(kj::ArrayPtr<const char> authority) {
  std::string_view text(authority.begin(), authority.size());
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
  } else if (text.find(':') == text.rfind(':')) {
    text = text.substr(0, text.find(':'));
  }
  if (text.ends_with('.')) text.remove_suffix(1);
  auto host = kj::heapString(text.data(), text.size());
  for (auto& c : host)
    c = lower(c);
  return host;
}

}  // namespace cambium
