// Problems as tests write them: any numbers in any fields, unchecked.
#pragma once

#include <string>

#include "plan/problem/problem.h"
#include "testing/value.h"

namespace qudnn::testing {

// Of {"kind": "conv", "fields": {"n": 2, ...}}; the other fields keep their defaults. Throws
// std::invalid_argument where there is no such field.
plan::Problem problem_of(const Value& value);

// {"kind": ..., "fields": {...}}, with all fields.
std::string json_of(const plan::Problem& problem);

// Of a text like plan::text()'s; throws std::invalid_argument for any other.
plan::Problem problem_of_text(const std::string& text);

}  // namespace qudnn::testing
