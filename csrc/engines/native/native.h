// What native engines share.
#pragma once

#include <utility>

#include "kernels/conv/conv.h"
#include "plan/common/cuda_error.h"
#include "plan/common/engine.h"
#include "plan/problem/problem.h"

namespace qudnn::engines {

inline kernels::ConvGeometry geometry(const plan::ConvProblem& c) {
    return {.n = c.n,
            .h = c.h,
            .w = c.w,
            .c = c.c,
            .k = c.k,
            .r = c.r,
            .s = c.s,
            .p = c.p,
            .q = c.q,
            .pad_top = c.pad_top,
            .pad_left = c.pad_left,
            .stride_h = c.stride_h,
            .stride_w = c.stride_w,
            .dilation_h = c.dilation_h,
            .dilation_w = c.dilation_w,
            .group = c.group,
            .y_padding = c.y_padding,
            .d = c.d,
            .t = c.t,
            .z = c.z,
            .pad_front = c.pad_front,
            .stride_d = c.stride_d,
            .dilation_d = c.dilation_d};
}

// Throws Unsupported unless the reason is empty.
inline void require_none(const std::string& refusal) {
    if (!refusal.empty()) throw plan::Unsupported(refusal);
}

// For kernels that need aligned vectors of 16 bytes.
inline void require_aligned(int64_t alignment) {
    if (alignment < plan::kFullAlignment)
        throw plan::Unsupported("a pointer is aligned to " + std::to_string(alignment) + " bytes only");
}

// A candidate for each of a kernel's variants, in their order; make(name, variant) builds its plan, and
// describe gives the part of its name that is the variant's own. Throws Unsupported if there are none,
// because a tile does not fit shared memory.
template <class Variant, class Describe, class Make>
std::vector<plan::Candidate> variant_candidates(const std::string& engine,
                                                const std::vector<Variant>& variants,
                                                const Describe& describe, const Make& make) {
    std::vector<plan::Candidate> candidates;
    for (const Variant& variant : variants) {
        plan::Candidate candidate;
        candidate.name = engine + " " + describe(variant);
        candidate.build = [name = candidate.name, variant, make]() -> std::shared_ptr<const plan::Plan> {
            return make(name, variant);
        };
        candidates.push_back(std::move(candidate));
    }
    if (candidates.empty()) throw plan::Unsupported("shared memory has no room for a tile");
    return candidates;
}

// Returns run(y), with y as a pointer to results of the type.
template <class Run>
cudaError_t with_results(plan::DataType type, void* y, const Run& run) {
    switch (type) {
        case plan::DataType::int8:
            return run(static_cast<int8_t*>(y));
        case plan::DataType::int32:
            return run(static_cast<int32_t*>(y));
        case plan::DataType::float32:
            return run(static_cast<float*>(y));
    }
    return cudaErrorInvalidValue;
}

}  // namespace qudnn::engines
