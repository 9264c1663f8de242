#include "ort/inference_context.h"

#include <atomic>

#include "bounds.h"

namespace qudnn::ort {

std::vector<Dim> InferenceContext::input(size_t index) const {
    OrtTensorTypeAndShapeInfo* info = nullptr;  // the context keeps it
    call<slots::ShapeInferContext_GetInputTypeShape>(context_, index, &info);
    size_t rank = 0;
    call<slots::GetDimensionsCount>(info, &rank);
    std::vector<int64_t> extents(rank);
    std::vector<const char*> symbols(rank);
    call<slots::GetDimensions>(info, extents.data(), rank);
    call<slots::GetSymbolicDimensions>(info, symbols.data(), rank);
    for (const int64_t extent : extents) require_within("a dimension", extent, -1, kMostAxis);
    std::vector<Dim> dims(rank);
    for (size_t i = 0; i < rank; ++i) dims[i] = {extents[i], symbols[i] != nullptr ? symbols[i] : ""};
    return dims;
}

void InferenceContext::set_output(size_t index, ElementType type, const std::vector<Dim>& dims) const {
    static std::atomic<uint64_t> fresh{0};
    std::vector<int64_t> extents;
    std::vector<std::string> names;
    std::vector<const char*> symbols;
    for (const Dim& dim : dims) {
        const bool anonymous = dim.extent < 0 && dim.symbol.empty();
        extents.push_back(dim.extent);
        names.push_back(dim.extent >= 0 ? ""
                        : anonymous     ? "qudnn_dim_" + std::to_string(fresh++)
                                        : dim.symbol);
    }
    symbols.reserve(names.size());
    for (const std::string& name : names) symbols.push_back(name.c_str());

    OrtTensorTypeAndShapeInfo* info = nullptr;
    call<slots::CreateTensorTypeAndShapeInfo>(&info);
    struct Release {
        OrtTensorTypeAndShapeInfo* info;
        ~Release() { invoke<slots::ReleaseTensorTypeAndShapeInfo>(info); }
    } release{info};
    call<slots::SetTensorElementType>(info, type);
    call<slots::SetDimensions>(info, extents.data(), extents.size());
    call<slots::SetSymbolicDimensions>(info, symbols.data(), symbols.size());
    call<slots::ShapeInferContext_SetOutputTypeShape>(context_, index, info);
}

}  // namespace qudnn::ort
