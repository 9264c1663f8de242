#include "plan/record.h"

#include <bit>
#include <cmath>
#include <limits>

#include "plan/sha256.h"

namespace qudnn::plan {

namespace {

constexpr std::string_view kRecordMagic = "qudnnpln";
constexpr std::string_view kArchiveMagic = "qudnnarc";
constexpr uint32_t kVersion = 1;
constexpr size_t kDigestSize = std::tuple_size_v<Digest>;

class Writer {
  public:
    template <class Number>
    void number(Number value) {
        for (size_t i = 0; i < sizeof value; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    }
    void field(const std::string& s) {
        if (s.size() > std::numeric_limits<uint32_t>::max()) throw std::length_error("a field of 4 GB");
        number(static_cast<uint32_t>(s.size()));
        bytes_ += s;
    }
    void field(bool b) { number(uint8_t{b}); }
    void field(uint64_t n) { number(n); }
    void field(int64_t n) { number(static_cast<uint64_t>(n)); }
    void field(double d) { number(std::bit_cast<uint64_t>(d)); }
    void raw(std::string_view s) { bytes_ += s; }

    std::string& bytes() { return bytes_; }

  private:
    std::string bytes_;
};

// Takes values off the front, never past the end.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    std::string_view raw(uint64_t size) {
        if (size > rest_.size()) throw BadRecord("truncated");
        const std::string_view front = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return front;
    }
    template <class Number>
    Number number() {
        Number value = 0;
        size_t shift = 0;
        for (const char c : raw(sizeof value)) {
            value |= static_cast<Number>(Number{static_cast<uint8_t>(c)} << shift);
            shift += 8;
        }
        return value;
    }
    void field(std::string& s) { s = raw(number<uint32_t>()); }
    void field(bool& b) {
        const auto byte = number<uint8_t>();
        if (byte > 1) throw BadRecord("a flag that is neither 0 nor 1");
        b = byte == 1;
    }
    void field(uint64_t& n) { n = number<uint64_t>(); }
    void field(int64_t& n) { n = static_cast<int64_t>(number<uint64_t>()); }
    void field(double& d) {
        d = std::bit_cast<double>(number<uint64_t>());
        if (!std::isfinite(d) || d < 0) throw BadRecord("a time that is none");
    }

    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

template <class AnyRecord, class Visitor>
void visit_record(AnyRecord& r, Visitor& v) {
    v.field(r.key.problem), v.field(r.key.device), v.field(r.key.cudnn), v.field(r.key.qudnn);
    v.field(r.key.engines), v.field(r.key.workspace_limit);
    v.field(r.tuned), v.field(r.engine), v.field(r.plan), v.field(r.serialized);
    v.field(r.microseconds), v.field(r.first_plan), v.field(r.first_microseconds), v.field(r.created);
}

std::string_view view(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::string RecordKey::text() const {
    return "problem " + problem + "\ndevice " + device + "\ncudnn " + cudnn + "\nqudnn " + qudnn +
           "\nengines " + engines + "\nworkspace_limit " + std::to_string(workspace_limit) + "\n";
}

std::string encode(const Record& record) {
    Writer body;
    visit_record(record, body);
    Writer file;
    file.raw(kRecordMagic);
    file.number(kVersion);
    file.number(uint64_t{body.bytes().size()});
    file.raw(body.bytes());
    file.raw(view(sha256(file.bytes())));
    return std::move(file.bytes());
}

Record decode(std::string_view bytes) {
    Reader file(bytes);
    if (bytes.substr(0, kRecordMagic.size()) != kRecordMagic) throw BadRecord("not a plan of qudnn");
    file.raw(kRecordMagic.size());
    if (const auto version = file.number<uint32_t>(); version != kVersion) {
        throw BadRecord("of format " + std::to_string(version) + ", not " + std::to_string(kVersion));
    }
    Reader body(file.raw(file.number<uint64_t>()));
    const std::string_view checksum = file.raw(kDigestSize);
    if (!file.rest().empty()) throw BadRecord("longer than it should be");
    if (checksum != view(sha256(bytes.substr(0, bytes.size() - kDigestSize)))) {
        throw BadRecord("wrong checksum");
    }
    Record record;
    visit_record(record, body);
    if (!body.rest().empty()) throw BadRecord("more fields than it should have");
    return record;
}

std::string encode_archive(const std::vector<Record>& records) {
    Writer file;
    file.raw(kArchiveMagic);
    file.number(kVersion);
    for (const Record& record : records) {
        const std::string bytes = encode(record);
        file.number(uint64_t{bytes.size()});
        file.raw(bytes);
    }
    return std::move(file.bytes());
}

Archive decode_archive(std::string_view bytes) {
    if (bytes.substr(0, kArchiveMagic.size()) != kArchiveMagic) {
        throw BadRecord("not a file of exported plans");
    }
    Reader file(bytes.substr(kArchiveMagic.size()));
    if (const auto version = file.number<uint32_t>(); version != kVersion) {
        throw BadRecord("of format " + std::to_string(version) + ", not " + std::to_string(kVersion));
    }
    Archive archive;
    while (!file.rest().empty()) {
        std::string_view entry;
        try {
            entry = file.raw(file.number<uint64_t>());
        } catch (const BadRecord& e) {
            archive.damage.push_back(e.what());
            break;  // where the next one starts is not known
        }
        try {
            archive.records.push_back(decode(entry));
        } catch (const BadRecord& e) {
            archive.damage.push_back(e.what());
        }
    }
    return archive;
}

}  // namespace qudnn::plan
