// The table of engines, the only place that knows their order.
#include <array>

#include "engines/composed/padded_result.h"
#include "engines/composed/separate_residual.h"
#include "engines/composed/separate_steps.h"
#include "engines/composed/separate_table.h"
#include "engines/cudnn/cudnn_conv.h"
#include "engines/cudnn/cudnn_matmul.h"
#include "engines/native/native_batch_matmul.h"
#include "engines/native/native_block.h"
#include "engines/native/native_bottleneck.h"
#include "engines/native/native_conv.h"
#include "engines/native/native_depthwise.h"
#include "engines/native/native_few_rows.h"
#include "engines/native/native_inverted_residual.h"
#include "engines/native/native_matmul.h"
#include "engines/native/native_pointwise.h"
#include "engines/native/native_stem.h"
#include "engines/native/native_window.h"

namespace qudnn::plan {

std::span<const Engine* const> engines() {
    // NOTE: never destroyed; a thread may outlive main().
    static const auto& all = *new std::array<const Engine*, 18>{
        new engines::NativeStem,       // before cuDNN: many times faster
        new engines::NativeDepthwise,  // cuDNN has no depthwise engine
        new engines::NativeFewRows,    // before cuDNN, whose tiles are mostly empty
        new engines::CudnnMatMul,      // before conv: faster for all problems that both take
        new engines::CudnnConv,
        new engines::PaddedResult,
        new engines::SeparateResidual,
        new engines::SeparateTable,
        new engines::NativeBottleneck,        // whole residual blocks
        new engines::NativeInvertedResidual,  // the same
        new engines::SeparateSteps,
        new engines::NativePointwise,  // after cuDNN: they need tuning to be faster
        new engines::NativeWindow,
        new engines::NativeMmaMatMul,
        new engines::NativeMatMul,
        new engines::NativeConv,
        new engines::NativeBatchMatMul,
        new engines::NativeBlock,
    };
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

std::vector<Answer> answers(const Problem& problem, cudnnContext* cudnn) {
    std::vector<Answer> all;
    for (const Engine* engine : engines()) {
        Answer answer{engine->name(), engine->refusal(problem), {}};
        try {
            if (answer.refusal.empty()) {
                for (const Candidate& candidate : engine->candidates(problem, cudnn))
                    if (!candidate.unlikely) answer.plans.push_back(candidate.name);
            }
        } catch (const std::exception& e) {
            answer.refusal = e.what();
        }
        all.push_back(std::move(answer));
    }
    return all;
}

std::shared_ptr<const Plan> Engine::restore(const Problem& problem, const std::string& name,
                                            const std::string&, cudnnContext* cudnn) const {
    for (const Candidate& candidate : candidates(problem, cudnn)) {
        if (candidate.name == name) return candidate.build();
    }
    return nullptr;
}

}  // namespace qudnn::plan
