#include "plan/storage/record.h"

#include <bit>
#include <cmath>
#include <limits>

#include "plan/storage/sha256.h"
#include "plan/storage/text.h"

namespace qudnn::plan {

namespace {

constexpr std::string_view kRecordMagic = "qudnnpln";
constexpr std::string_view kArchiveMagic = "qudnnarc";
constexpr uint32_t kVersion = 1;
constexpr size_t kDigestSize = std::tuple_size_v<Digest>;
constexpr size_t kHeadSize = 8 + sizeof(uint32_t) + sizeof(uint64_t);  // magic, version, size of the body

constexpr size_t kMostName = 4096;              // bytes; a problem's text has some 500
constexpr double kMostMicroseconds = 1e12;      // eleven days
constexpr int64_t kMostSeconds = 253402300799;  // the end of the year 9999

// How often the bytes of a damaged archive may be looked at on average, in search of records.
constexpr uint64_t kMostLooks = 4;

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
    void name(const std::string& s) { field(s); }
    void time(double d) { field(d); }
    void date(int64_t n) { field(n); }
    void field(bool b) { number(uint8_t{b}); }
    void field(uint64_t n) { number(n); }
    void field(int64_t n) { number(static_cast<uint64_t>(n)); }
    void field(double d) { number(std::bit_cast<uint64_t>(d)); }
    void raw(std::string_view s) { bytes_ += s; }

    std::string& bytes() { return bytes_; }

  private:
    std::string bytes_;
};

// Reads values from the front, never past the end.
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
    void name(std::string& s) {
        const auto size = number<uint32_t>();
        if (size > kMostName) throw BadRecord("a name of " + std::to_string(size) + " bytes");
        s = raw(size);
        if (!is_utf8(s)) throw BadRecord("a name that is no text");
    }
    void field(bool& b) {
        const auto byte = number<uint8_t>();
        if (byte > 1) throw BadRecord("a flag that is neither 0 nor 1");
        b = byte == 1;
    }
    void field(uint64_t& n) { n = number<uint64_t>(); }
    void time(double& d) {
        d = std::bit_cast<double>(number<uint64_t>());
        if (!std::isfinite(d) || d < 0 || d > kMostMicroseconds) throw BadRecord("a time that is none");
    }
    void date(int64_t& n) {
        n = static_cast<int64_t>(number<uint64_t>());
        if (n < 0 || n > kMostSeconds) throw BadRecord("a date that is none");
    }

    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

template <class AnyRecord, class Visitor>
void visit_record(AnyRecord& r, Visitor& v) {
    v.name(r.key.problem), v.name(r.key.device), v.name(r.key.cudnn), v.name(r.key.qudnn);
    v.name(r.key.engines), v.field(r.key.workspace_limit);
    v.field(r.tuned), v.name(r.engine), v.name(r.plan), v.field(r.serialized);
    v.time(r.microseconds), v.name(r.first_plan), v.time(r.first_microseconds), v.date(r.created);
}

std::string_view view(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// The rest of an archive whose first entry is damaged, from the next record on. A record is recognized by its
// length, which stands before it and in it. Empty if there is no further record.
std::string_view next_record(std::string_view rest) {
    constexpr size_t kLengthSize = sizeof(uint64_t);
    size_t at = kLengthSize + 1;  // beyond the magic of the first
    while ((at = rest.find(kRecordMagic, at)) != std::string_view::npos) {
        const std::string_view found = rest.substr(at - kLengthSize);
        if (found.size() >= kLengthSize + kHeadSize) {
            const auto length = Reader(found).number<uint64_t>();
            const auto body =
                Reader(found.substr(kLengthSize + kHeadSize - sizeof(uint64_t))).number<uint64_t>();
            if (length <= kMostRecordBytes && length == body + kHeadSize + kDigestSize) return found;
        }
        ++at;
    }
    return {};
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

bool starts_as_record(std::string_view bytes) { return bytes.starts_with(kRecordMagic); }

bool starts_as_archive(std::string_view bytes) { return bytes.starts_with(kArchiveMagic); }

Record decode(std::string_view bytes) {
    Reader file(bytes);
    if (!starts_as_record(bytes)) throw BadRecord("not a plan of qudnn");
    if (bytes.size() > kMostRecordBytes) throw BadRecord("too large for a plan");
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

ArchiveWriter::ArchiveWriter() {
    Writer file;
    file.raw(kArchiveMagic);
    file.number(kVersion);
    bytes_ = std::move(file.bytes());
}

void ArchiveWriter::add(const Record& record) {
    if (!keys_.insert(record.key.text()).second) return;
    const std::string bytes = encode(record);
    Writer entry;
    entry.number(uint64_t{bytes.size()});
    bytes_ += entry.bytes();
    bytes_ += bytes;
}

Archive decode_archive(std::string_view bytes) {
    if (!starts_as_archive(bytes)) throw BadRecord("not a file of exported plans");
    if (bytes.size() > kMostArchiveBytes) throw BadRecord("too large for exported plans");
    Reader file(bytes.substr(kArchiveMagic.size()));
    if (const auto version = file.number<uint32_t>(); version != kVersion) {
        throw BadRecord("of format " + std::to_string(version) + ", not " + std::to_string(kVersion));
    }
    Archive archive;
    uint64_t looked_at = 0;
    std::string_view rest = file.rest();
    while (!rest.empty()) {
        if (archive.records.size() + archive.damage.size() >= kMostArchiveRecords) {
            archive.damage.push_back("more than " + std::to_string(kMostArchiveRecords) + " plans");
            break;
        }
        try {
            Reader entry(rest);
            const std::string_view record = entry.raw(entry.number<uint64_t>());
            looked_at += record.size();
            archive.records.push_back(decode(record));
            rest = entry.rest();
            continue;
        } catch (const BadRecord& e) {
            archive.damage.push_back(e.what());
        }
        // The damage may be in its length: continue where the next record says that it starts.
        if (looked_at > kMostLooks * bytes.size()) {
            archive.damage.push_back("too much damage to look for others");
            break;
        }
        rest = next_record(rest);
    }
    return archive;
}

}  // namespace qudnn::plan
