#include "ops/recurrent/lstm.h"

#include <cfloat>

#include "ops/shared/requantize.h"

namespace qudnn::ops {

namespace {

using kernels::LstmActivation;
using kernels::LstmFunction;

enum Input : size_t {
    kX,
    kW,
    kR,
    kWScale,
    kWZeroPoint,
    kRScale,
    kRZeroPoint,
    kB,
    kSequenceLens,
    kInitialH,
    kInitialC,
    kP
};

// Which activations take an alpha, and which a beta, by LstmFunction.
constexpr bool kTakesAlpha[] = {false, false, false, true, true, true, true, false, true, true, false};
constexpr bool kTakesBeta[] = {false, false, false, true, false, false, true, false, true, false, false};
constexpr int kLastFunction = static_cast<int>(LstmFunction::softplus);

int directions_of(const ort::Attributes& attributes) {
    const std::string direction = attributes.text("direction");
    require(direction == "forward" || direction == "reverse" || direction == "bidirectional",
            "direction is neither forward, reverse nor bidirectional");
    return direction == "bidirectional" ? 2 : 1;
}

// The numbers one after the other.
class Numbers {
  public:
    explicit Numbers(std::vector<float> values) : values_(std::move(values)) {}
    float next() {
        require(next_ < values_.size(), "an activation has no alpha or beta");
        return values_[next_++];
    }

  private:
    std::vector<float> values_;
    size_t next_ = 0;
};

void read_activations(const ort::Attributes& attributes, DynamicQLSTM& op) {
    for (auto& direction : op.activations)
        direction = {LstmActivation{LstmFunction::sigmoid, 0, 0}, LstmActivation{LstmFunction::tanh, 0, 0},
                     LstmActivation{LstmFunction::tanh, 0, 0}};
    const std::vector<int64_t> kinds = attributes.optional_integers("activation_kinds");
    if (kinds.empty()) return;
    require(kinds.size() == static_cast<size_t>(op.directions) * 3, "three activations for each direction");
    Numbers alpha(attributes.optional_reals("activation_alpha"));
    Numbers beta(attributes.optional_reals("activation_beta"));
    for (size_t i = 0; i < kinds.size(); ++i) {
        require(kinds[i] >= 0 && kinds[i] <= kLastFunction, "an activation that no kernel has");
        LstmActivation& activation = op.activations[i / 3][i % 3];
        activation = {static_cast<LstmFunction>(kinds[i]), 0, 0};
        if (kTakesAlpha[kinds[i]]) activation.alpha = alpha.next();
        if (kTakesBeta[kinds[i]]) activation.beta = beta.next();
    }
}

template <typename T>
kernels::LstmParameter<T> parameter(const ort::Tensor& tensor, int64_t directions, int64_t outputs,
                                    const char* what) {
    const bool per_output = tensor.shape == ort::Shape{directions, outputs};
    require(per_output || tensor.shape == ort::Shape{directions}, what);
    return {tensor.as<const T>(), per_output};
}

template <typename T>
const T* optional(const Context& context, size_t index, const ort::Shape& shape, const char* what) {
    const ort::Tensor tensor = context.optional_input(index);
    if (tensor.type == ort::ElementType::undefined) return nullptr;
    require(tensor.shape == shape, what);
    return tensor.as<const T>();
}

// Parts of one workspace.
class Parts {
  public:
    template <typename T>
    size_t add(int64_t count) {
        const size_t start = size_;
        size_ += (static_cast<size_t>(count) * sizeof(T) + 255) / 256 * 256;
        return start;
    }
    size_t size() const { return size_; }

  private:
    size_t size_ = 0;
};

}  // namespace

DynamicQLSTM::DynamicQLSTM(const ort::Attributes& attributes)
    : hidden(attributes.integer("hidden_size", 1, kernels::kMostLstmStates)),
      channels(attributes.extent("input_size", 1)),
      directions(directions_of(attributes)),
      reversed(attributes.text("direction") == "reverse"),
      input_forget(attributes.integer("input_forget", 0, 1) == 1),
      clip(attributes.optional_real("clip", FLT_MAX)) {
    require(clip > 0, "clip is not positive");
    read_activations(attributes, *this);
}

void DynamicQLSTM::compute(Context& context) const {
    const ort::Tensor x = context.input(kX), w = context.input(kW), r = context.input(kR);
    const int64_t outputs = 4 * hidden;
    require(x.shape.rank() == 3 && x.shape.back() == channels, "x does not have input_size channels");
    require(w.shape.rank() == 3 && w.shape[0] == directions && w.shape[1] == outputs &&
                w.shape[2] >= channels && w.shape[2] % 16 == 0,
            "w does not fit hidden_size and input_size");
    require(r.shape.rank() == 3 && r.shape[0] == directions && r.shape[1] == outputs &&
                r.shape[2] >= hidden && r.shape[2] % 16 == 0,
            "r does not fit hidden_size");
    require(plan::alignment_of({r.data}) == plan::kFullAlignment, "r is not aligned to 16 bytes");
    const int64_t steps = x.shape[0], batch = x.shape[1];
    const ort::Shape state{directions, batch, hidden};

    kernels::LstmLayer layer{};
    layer.steps = steps, layer.batch = batch, layer.directions = directions;
    layer.hidden = hidden, layer.padded_hidden = r.shape[2];
    layer.reversed = reversed, layer.input_forget = input_forget, layer.clip = clip;
    for (size_t d = 0; d < activations.size(); ++d)
        std::copy(activations[d].begin(), activations[d].end(), layer.activations[d]);
    layer.w_zero_point = parameter<int8_t>(context.input(kWZeroPoint), directions, outputs, "w_zero_point");
    layer.r = r.as<const int8_t>();
    layer.r_scale = parameter<float>(context.input(kRScale), directions, outputs, "r_scale");
    layer.r_zero_point = parameter<int8_t>(context.input(kRZeroPoint), directions, outputs, "r_zero_point");
    layer.bias = optional<float>(context, kB, {directions, 8 * hidden}, "b does not have 8 for each state");
    layer.lengths = optional<int32_t>(context, kSequenceLens, {batch}, "sequence_lens is not of the batch");
    layer.initial_h = optional<float>(context, kInitialH, state, "initial_h is not one state");
    layer.initial_c = optional<float>(context, kInitialC, state, "initial_c is not one state");
    layer.peepholes =
        optional<float>(context, kP, {directions, 3 * hidden}, "p does not have 3 for each state");
    layer.y = context.output(0, {steps, directions, batch, hidden}).as<float>();
    layer.y_h = context.output(1, state).as<float>();
    layer.y_c = context.output(2, state).as<float>();
    if (batch == 0) return;

    plan::MatMulProblem problem;
    problem.m = steps * batch;
    problem.k = directions * outputs;
    problem.c = problem.x_stride = w.shape[2];
    problem.y_type = plan::DataType::int32;
    plan::check_sizes(problem);

    Parts parts;
    const size_t q = parts.add<int8_t>(problem.m * problem.c), sums = parts.add<int32_t>(problem.m),
                 bias = parts.add<int32_t>(problem.k), multiplier = parts.add<float>(problem.k),
                 ranges = parts.add<kernels::Range>(kernels::kMostRanges),
                 products = parts.add<int32_t>(problem.m * problem.k),
                 h = parts.add<float>(2 * state.count()), c = parts.add<float>(state.count()),
                 work =
                     parts.add<int8_t>(directions * kernels::kLstmWork * (hidden + kernels::kMostLstmBlocks));
    const std::unique_ptr<plan::Workspace> workspace = context.workspace(parts.size());
    int8_t* const base = static_cast<int8_t*>(workspace->data());
    const kernels::LstmQuantized quantized{.q = base + q,
                                           .sums = reinterpret_cast<int32_t*>(base + sums),
                                           .bias = reinterpret_cast<int32_t*>(base + bias),
                                           .multiplier = reinterpret_cast<float*>(base + multiplier),
                                           .ranges = reinterpret_cast<kernels::Range*>(base + ranges)};
    layer.products = reinterpret_cast<int32_t*>(base + products);
    layer.sums = quantized.sums;
    layer.multiplier = quantized.multiplier;
    layer.h = reinterpret_cast<float*>(base + h);
    layer.c = reinterpret_cast<float*>(base + c);
    layer.work = base + work;

    const kernels::LstmInputs inputs{
        .steps = steps,
        .batch = batch,
        .channels = channels,
        .padded_channels = w.shape[2],
        .directions = directions,
        .outputs = outputs,
        .x = x.as<const float>(),
        .lengths = layer.lengths,
        .w = w.as<const int8_t>(),
        .scale = parameter<float>(context.input(kWScale), directions, outputs, "w_scale"),
        .zero_point = layer.w_zero_point};
    check_cuda(kernels::lstm_inputs(inputs, quantized, context.stream()));
    run_aligned(problem,
                {.x = quantized.q,
                 .w = inputs.w,
                 .y = base + products,
                 .epilogue = {.bias = quantized.bias},
                 .x_zero_point = 0},
                context);
    check_cuda(kernels::lstm_steps(layer, context.stream()));
}

void DynamicQLSTM::infer(const ort::InferenceContext& context) {
    const ort::Dim directions = ort::Dim::of(directions_of(context.attributes()));
    const ort::Dim hidden = ort::Dim::of(context.attributes().extent("hidden_size", 1));
    const std::vector<ort::Dim> x = context.input(kX);
    if (x.size() != 3) return;
    context.set_output(0, kSignature.outputs[0], {x[0], directions, x[1], hidden});
    for (size_t i = 1; i < 3; ++i) context.set_output(i, kSignature.outputs[i], {directions, x[1], hidden});
}

}  // namespace qudnn::ops
