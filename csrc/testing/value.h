// Values of JSON as the tests write them: what they give to a hook.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qudnn::testing {

class Value;
using List = std::vector<Value>;
using Object = std::map<std::string, Value>;

// The getters throw std::invalid_argument where it is of another type.
class Value {
  public:
    Value() = default;
    template <class Any>
    explicit Value(Any any) : any_(std::move(any)) {}

    bool null() const { return std::holds_alternative<std::monostate>(any_); }
    bool flag() const;
    int64_t integer() const;
    double real() const;  // of an integer too
    const std::string& text() const;
    const List& list() const;
    const Object& object() const;

    bool is_text() const { return std::holds_alternative<std::string>(any_); }

    std::vector<int64_t> integers() const;
    std::vector<float> reals() const;
    std::string bytes() const;  // of a text in hexadecimal digits

    const Value& operator[](size_t index) const;
    const Value& operator[](const std::string& name) const;

  private:
    std::variant<std::monostate, bool, int64_t, double, std::string, List, Object> any_;

    template <class Type>
    const Type& as(const char* type) const;
};

// Throws std::invalid_argument where the text is none of a value. Integers have 64 bits, with a sign or
// without.
Value parse(std::string_view text);

// Bytes as a text in hexadecimal digits.
std::string hexadecimal(std::string_view bytes);

}  // namespace qudnn::testing
