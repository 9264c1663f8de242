#include "engines/cudnn/cudnn_matmul.h"

#include "engines/cudnn/cudnn_candidates.h"
#include "engines/cudnn/cudnn_plan.h"
#include "plan/problem/split.h"

namespace qudnn::engines {

namespace {

using plan::MatMulProblem;

GraphPointer matmul_graph(const MatMulProblem& p) {
    auto graph = make_graph();
    auto x = input(*graph, kX, fe::DataType_t::INT8, {1, p.m, p.c}, {p.m * p.x_stride, p.x_stride, 1});
    auto w = input(*graph, kW, fe::DataType_t::INT8, {1, p.c, p.k}, {p.c * p.k, 1, p.c});
    auto accumulator =
        graph->matmul(x, w, fe::graph::Matmul_attributes().set_compute_data_type(fe::DataType_t::INT32));
    const Dims dims = {1, p.m, p.k};
    accumulator->set_dim(dims).set_stride({p.m * p.k, p.k, 1});
    add_epilogue(*graph, accumulator, 2, dims, {p.m * p.k, p.k, 1}, graph_epilogue(p));
    return graph;
}

}  // namespace

std::string CudnnMatMul::refusal(const plan::Problem& problem) const {
    const auto matmul = plan::matmul_of(problem);
    if (!matmul) return "not the work of a matmul with weights";
    if (matmul->adds_constant) return "a constant to add";
    return matmul->looks_up ? "a table" : "";
}

std::vector<plan::Candidate> CudnnMatMul::candidates(const plan::Problem& problem,
                                                     cudnnContext* cudnn) const {
    const MatMulProblem matmul = plan::matmul_of(problem).value();
    require_cudnn(cudnn, matmul.alignment);
    if (plan::too_large(matmul)) throw plan::Unsupported("a tensor of more than 2^31 bytes");
    return graph_candidates([matmul] { return matmul_graph(matmul); }, cudnn, name(), graph_epilogue(matmul));
}

std::shared_ptr<const plan::Plan> CudnnMatMul::restore(const plan::Problem& problem,
                                                       const std::string& plan_name,
                                                       const std::string& serialized,
                                                       cudnnContext* cudnn) const {
    const MatMulProblem matmul = plan::matmul_of(problem).value();
    require_cudnn(cudnn, matmul.alignment);
    return graph_plan(plan_name, serialized, cudnn, graph_epilogue(matmul));
}

}  // namespace qudnn::engines
