// Errors of the CUDA runtime as exceptions.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>

namespace qudnn::plan {

inline void check_cuda(cudaError_t error) {
    if (error == cudaSuccess) return;
    cudaGetLastError();  // clears it, where it can be cleared
    throw std::runtime_error(cudaGetErrorString(error));
}

inline bool is_capturing(cudaStream_t stream) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check_cuda(cudaStreamIsCapturing(stream, &status));
    return status != cudaStreamCaptureStatusNone;
}

// Another thread may be capturing a CUDA graph, which forbids allocations and the like to every thread that
// does not say that it knows what it does. Nothing here touches what is captured.
class DespiteCapture {
  public:
    DespiteCapture() { cudaThreadExchangeStreamCaptureMode(&mode_); }
    DespiteCapture(const DespiteCapture&) = delete;
    ~DespiteCapture() { cudaThreadExchangeStreamCaptureMode(&mode_); }

  private:
    cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

}  // namespace qudnn::plan
