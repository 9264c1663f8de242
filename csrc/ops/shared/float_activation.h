// The attributes of an activation in float32.
#pragma once

#include "kernels/common/float_activation.h"
#include "ort/attributes.h"

namespace qudnn::ops {

inline kernels::FloatActivation float_activation(const ort::Attributes& attributes) {
    return {attributes.real("low"), attributes.real("high"), attributes.integer("silu", 0, 1) == 1};
}

}  // namespace qudnn::ops
