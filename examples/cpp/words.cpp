// words.cpp: a plugin in C++17, against taskhost_plugin.h alone. It offers one blocking kind, `words.count`, which reads a text
// file and counts its words, shows how far it is, saves where it stands, and goes on from there after a stop. Build it, then
// put libwords.so into a folder that tasks.toml names under [host] plugins:
//
//   g++ -std=c++17 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -I plugin-api/include examples/cpp/words.cpp -o libwords.so
#include "taskhost_plugin.h"

#include <cctype>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

const th_host *host = nullptr;  // what `init` was given; it lives as long as the process

th_bytes bytes(std::string_view text) { return {reinterpret_cast<const uint8_t *>(text.data()), text.size()}; }
std::string_view view(th_bytes text) { return {reinterpret_cast<const char *>(text.ptr), text.len}; }

// The value of a key in a flat JSON object, quotes and all. Enough for this example: the host has checked the params against
// the schema below, and the state is our own. A plugin of real use takes a JSON library.
std::string_view value_of(std::string_view json, std::string_view key) {
  std::string quoted = '"' + std::string(key) + '"';
  auto at = json.find(quoted);
  if (at == std::string_view::npos) return {};
  at = json.find_first_not_of(" \t\r\n:", at + quoted.size());
  if (at == std::string_view::npos) return {};
  auto end = json[at] == '"' ? json.find('"', at + 1) + 1 : json.find_first_of(",}", at);
  return json.substr(at, end - at);
}

uint64_t number(std::string_view json, std::string_view key) {
  return std::strtoull(std::string(value_of(json, key)).c_str(), nullptr, 10);
}

// An end of the attempt that is not its success.
struct Ended {
  uint32_t outcome;
  std::string message;
};

// One attempt: from `create` to `drop`. Its destructor frees everything, however the attempt ends.
class Count {
 public:
  Count(const th_ctx *ctx, const th_args &args) : ctx_(ctx) {
    auto path = value_of(view(args.params), "path");
    path_ = std::string(path.substr(1, path.size() - 2));
    offset_ = number(view(args.state), "offset");
    words_ = number(view(args.state), "words");
  }

  // All of the work: a blocking kind is polled once, on a thread of its own.
  std::string run() {
    std::ifstream file(path_, std::ios::binary | std::ios::ate);
    if (!file) throw Ended{TH_FATAL, "cannot read `" + path_ + "`"};
    auto size = static_cast<uint64_t>(file.tellg());
    file.seekg(static_cast<std::streamoff>(offset_));
    std::string line;
    while (std::getline(file, line)) {
      stop_if_asked();
      words_ += words_in(line);
      offset_ += line.size() + 1;
      host->progress(ctx_, offset_ < size ? offset_ : size, size, bytes(""));
      if (++lines_ % 1000 == 0) save();
    }
    return "{\"words\":" + std::to_string(words_) + "}";
  }

  void finish(uint32_t outcome, std::string_view body) const {
    th_result result{sizeof(th_result), outcome, 0, bytes(body), bytes("")};
    host->finish(ctx_, &result);
  }

 private:
  static uint64_t words_in(const std::string &line) {
    uint64_t words = 0;
    bool inside = false;
    for (unsigned char letter : line) {
      bool is_space = std::isspace(letter) != 0;
      words += !is_space && !inside;
      inside = !is_space;
    }
    return words;
  }

  // After a cancel this ends the task; while the host drains, it saves and is run again later.
  void stop_if_asked() {
    auto flags = host->flags(ctx_);
    if (flags & (TH_F_CANCEL | TH_F_LEASE_LOST)) throw Ended{TH_CANCELLED, "cancelled"};
    if (flags & TH_F_DRAIN) throw Ended{TH_SUSPEND, state()};
  }

  void save() const {
    uint64_t ticket = 0;
    if (host->save_state(ctx_, bytes(state()), &ticket) < 0) throw Ended{TH_RETRY, "the state was not saved"};
    int32_t standing = TH_SAVING;
    while (standing == TH_SAVING) standing = host->saved(ctx_, ticket, 1000);
    if (standing == TH_LOST) throw Ended{TH_CANCELLED, "the task is somebody else's now"};
  }

  std::string state() const {
    return "{\"offset\":" + std::to_string(offset_) + ",\"words\":" + std::to_string(words_) + "}";
  }

  const th_ctx *ctx_;
  std::string path_;
  uint64_t offset_ = 0, words_ = 0, lines_ = 0;
};

// No exception may leave a function that the host calls.
int32_t create(const th_kind *, const th_ctx *ctx, const th_args *args, void **task_out) {
  try {
    *task_out = std::make_unique<Count>(ctx, *args).release();
    return 0;
  } catch (const std::exception &error) {
    th_result result{sizeof(th_result), TH_RETRY, 0, bytes(error.what()), bytes("")};
    host->finish(ctx, &result);
    return -1;  // the attempt is over, and there is nothing to drop
  }
}

int32_t poll(void *data) {
  auto *count = static_cast<Count *>(data);
  try {
    count->finish(TH_OK, count->run());
  } catch (const Ended &ended) {
    count->finish(ended.outcome, ended.message);
  } catch (const std::exception &error) {
    count->finish(TH_RETRY, error.what());
  }
  return TH_READY;
}

void drop(void *data) { delete static_cast<Count *>(data); }

constexpr std::string_view META =
    R"({"title":"Count words","description":"Counts the words of a text file.","unit":"bytes",)"
    R"("params_schema":{"type":"object","additionalProperties":false,"required":["path"],"properties":{)"
    R"("path":{"type":"string","minLength":1,"description":"The file to read."}}}})";

const th_kind COUNT{sizeof(th_kind), TH_K_BLOCKING, bytes("words.count"), bytes(META), create, poll, drop};
const th_kind *const KINDS[] = {&COUNT};
const th_plugin PLUGIN{sizeof(th_plugin), 0,       bytes(R"({"name":"words","version":"1.0.0","description":"A plugin in C++"})"),
                       1,                 KINDS,   nullptr,
                       nullptr,           nullptr};

const th_plugin *init(const th_host *given) {
  host = given;
  return &PLUGIN;
}

}  // namespace

extern const th_entry taskhost_plugin_v1{TH_MAGIC, sizeof(th_entry), TH_ABI_MINOR, 0, 0, 0, nullptr, init};
