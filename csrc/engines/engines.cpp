// The table of engines: the one place where their order lives.
#include <array>

#include "engines/cudnn_conv.h"
#include "engines/cudnn_conv3d.h"
#include "engines/cudnn_matmul.h"
#include "engines/native_batch_matmul.h"
#include "engines/native_conv.h"
#include "engines/native_conv3d.h"
#include "engines/native_matmul.h"
#include "engines/native_pointwise.h"
#include "engines/native_stem.h"
#include "engines/padded_result.h"

namespace qudnn::plan {

std::span<const Engine* const> engines() {
    static const engines::NativeStem native_stem;    // before cuDNN: many times faster
    static const engines::CudnnMatMul cudnn_matmul;  // before conv: faster wherever both do
    static const engines::CudnnConv cudnn_conv;
    static const engines::CudnnConv3d cudnn_conv3d;
    static const engines::PaddedResult padded_result;
    static const engines::NativePointwise native_pointwise;  // after cuDNN: it needs tuning to be faster
    static const engines::NativeMmaMatMul native_mma_matmul;
    static const engines::NativeMatMul native_matmul;
    static const engines::NativeConv native_conv;
    static const engines::NativeConv3d native_conv3d;
    static const engines::NativeBatchMatMul native_batch_matmul;
    static const std::array<const Engine*, 11> all = {
        &native_stem,   &cudnn_matmul,     &cudnn_conv,         &cudnn_conv3d,
        &padded_result, &native_pointwise, &native_mma_matmul,  &native_matmul,
        &native_conv,   &native_conv3d,    &native_batch_matmul};
    return all;
}

std::string engines_text(const Problem& problem) {
    std::string s;
    for (const Engine* engine : engines()) {
        if (!engine->takes(problem)) continue;
        s.append(s.empty() ? "" : " ").append(engine->name()).append(".");
        s += std::to_string(engine->revision());
    }
    return s;
}

std::shared_ptr<const Plan> Engine::restore(const Problem& problem, const std::string& name,
                                            const std::string&, cudnnContext* cudnn) const {
    for (const Candidate& candidate : candidates(problem, cudnn)) {
        if (candidate.name == name) return candidate.build();
    }
    return nullptr;
}

}  // namespace qudnn::plan
