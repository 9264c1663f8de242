#include "testing/value.h"

#include <charconv>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace qudnn::testing {

template <class Type>
const Type& Value::as(const char* type) const {
    if (const auto* found = std::get_if<Type>(&any_)) return *found;
    throw std::invalid_argument(std::string("an argument is no ") + type);
}

bool Value::flag() const { return as<bool>("flag"); }
int64_t Value::integer() const { return as<int64_t>("integer"); }
const std::string& Value::text() const { return as<std::string>("text"); }
const List& Value::list() const { return as<List>("list"); }
const Object& Value::object() const { return as<Object>("object"); }

double Value::real() const {
    if (const auto* whole = std::get_if<int64_t>(&any_)) return static_cast<double>(*whole);
    return as<double>("number");
}

std::vector<int64_t> Value::integers() const {
    std::vector<int64_t> all;
    for (const Value& value : list()) all.push_back(value.integer());
    return all;
}

std::vector<float> Value::reals() const {
    std::vector<float> all;
    for (const Value& value : list()) all.push_back(static_cast<float>(value.real()));
    return all;
}

std::string Value::bytes() const {
    const std::string& digits = text();
    std::string all(digits.size() / 2, '\0');
    const auto value_of = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
    for (size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<char>(value_of(digits[2 * i]) * 16 + value_of(digits[2 * i + 1]));
    return all;
}

const Value& Value::operator[](size_t index) const {
    if (index >= list().size()) throw std::invalid_argument("an argument is missing");
    return list()[index];
}

const Value& Value::operator[](const std::string& name) const {
    const auto found = object().find(name);
    if (found == object().end()) throw std::invalid_argument("nothing is called " + name);
    return found->second;
}

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string all;
    all.reserve(2 * bytes.size());
    for (const char c : bytes) {
        all += kDigits[static_cast<unsigned char>(c) / 16];
        all += kDigits[static_cast<unsigned char>(c) % 16];
    }
    return all;
}

namespace {

// Reads what Python's json.dumps writes with ensure_ascii=False.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    Value whole() {
        Value value = next();
        skip();
        if (at_ != text_.size()) fail();
        return value;
    }

  private:
    std::string_view text_;
    size_t at_ = 0;

    [[noreturn]] void fail() const { throw std::invalid_argument("not JSON at byte " + std::to_string(at_)); }

    void skip() { at_ = std::min(text_.find_first_not_of(" \n", at_), text_.size()); }

    bool takes(std::string_view word) {
        skip();
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    Value next() {
        if (takes("null")) return {};
        if (takes("true")) return Value(true);
        if (takes("false")) return Value(false);
        if (takes("NaN")) return Value(std::numeric_limits<double>::quiet_NaN());
        if (takes("Infinity")) return Value(std::numeric_limits<double>::infinity());
        if (takes("-Infinity")) return Value(-std::numeric_limits<double>::infinity());
        if (takes("\"")) return Value(string());
        if (takes("[")) return Value(list());
        if (takes("{")) return Value(object());
        return number();
    }

    List list() {
        List all;
        if (takes("]")) return all;
        do {
            all.push_back(next());
        } while (takes(","));
        if (!takes("]")) fail();
        return all;
    }

    Object object() {
        Object all;
        if (takes("}")) return all;
        do {
            if (!takes("\"")) fail();
            std::string name = string();
            if (!takes(":")) fail();
            all.emplace(std::move(name), next());
        } while (takes(","));
        if (!takes("}")) fail();
        return all;
    }

    std::string string() {
        std::string all;
        for (;;) {
            const size_t end = text_.find_first_of("\"\\", at_);
            if (end == std::string_view::npos) fail();
            all += text_.substr(at_, end - at_);
            at_ = end + 1;
            if (text_[end] == '"') return all;
            all += escaped();
        }
    }

    char escaped() {
        if (at_ >= text_.size()) fail();
        const char c = text_[at_++];
        constexpr std::string_view kNames = "\"\\/bfnrt", kCharacters = "\"\\/\b\f\n\r\t";
        if (const size_t place = kNames.find(c); place != std::string_view::npos) return kCharacters[place];
        int code = 0;
        const char* const first = text_.data() + at_;
        if (c != 'u' || text_.size() - at_ < 4 ||
            std::from_chars(first, first + 4, code, 16).ptr != first + 4)
            fail();
        if (code >= 0x20) fail();  // other characters are not escaped
        at_ += 4;
        return static_cast<char>(code);
    }

    Value number() {
        const size_t end = std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
        const std::string_view digits = text_.substr(at_, end - at_);
        const auto reads = [&](auto& value) {
            const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            return error == std::errc() && stop == digits.data() + digits.size() && !digits.empty();
        };
        int64_t whole = 0;
        uint64_t large = 0;
        double real = 0;
        if (reads(whole)) {
            at_ = end;
            return Value(whole);
        }
        if (reads(large)) {
            at_ = end;
            return Value(static_cast<int64_t>(large));
        }
        if (!reads(real)) fail();
        at_ = end;
        return Value(real);
    }
};

}  // namespace

Value parse(std::string_view text) { return Reader(text).whole(); }

}  // namespace qudnn::testing
