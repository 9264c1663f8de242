// What the engines share that compute all convolutions of a residual block in one kernel.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "engines/native/native.h"
#include "kernels/conv/conv_step.h"
#include "plan/problem/block.h"

namespace qudnn::engines {

// Why there is no such kernel, on any GPU, for what the block adds; empty where there is one.
std::string addition_refusal(const plan::BlockProblem& block);

// Why there is none for the block on the current GPU.
std::string whole_block_refusal(const plan::BlockProblem& block);

// Variants that are candidates, as their kernels estimate them. Of the blocks of ResNet-50 and MobileNetV2
// the fastest was always among the first seven on an H200, in batches of 1 to 64.
constexpr size_t kMostWholeBlocks = 8;

template <class Geometry>
Geometry geometry_of(const plan::BlockProblem& b) {
    return {b.n, b.h, b.w, b.c, b.m, b.k, b.stride};
}

inline std::array<kernels::ConvStep, plan::kStepsOfBlock> steps_of(const plan::Arguments& a) {
    return {a.before[0], a.before[1], kernels::ConvStep{a.w, a.epilogue}};
}

template <class Variant>
std::vector<Variant> likely(std::vector<Variant> variants) {
    variants.resize(std::min(variants.size(), kMostWholeBlocks));
    return variants;
}

}  // namespace qudnn::engines
