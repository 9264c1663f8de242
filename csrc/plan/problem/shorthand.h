// Problems as people write them: without what follows from the rest.
#pragma once

#include <string>

#include "export.h"
#include "plan/problem/problem.h"

namespace qudnn::plan {

// The problem of a text like text()'s, whose fields may come in any order and be left out:
// "conv n=1 h=56 w=56 c=64 k=64 r=3 s=3 pad_top=1 pad_left=1 pad_bottom=1 pad_right=1". The sizes of a result
// follow from the others then, tensors are dense, and the rest is as in the problem's struct. Throws
// std::invalid_argument, which names the word, where one is no field with a number, where fields contradict
// each other, where nothing is to be computed, and what check() throws.
QUDNN_API Problem read_shorthand(const std::string& text);

}  // namespace qudnn::plan
