// One of several convolutions that a kernel computes one after the other.
#pragma once

#include "kernels/epilogue/epilogue.h"

namespace qudnn::kernels {

struct ConvStep {
    const int8_t* w;  // [k,r,s,c/group]
    Epilogue epilogue;
};

}  // namespace qudnn::kernels
