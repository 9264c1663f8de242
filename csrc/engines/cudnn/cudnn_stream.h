// The stream that a handle of cuDNN's works on.
#pragma once

struct cudnnContext;
struct CUstream_st;

namespace qudnn::engines {

// Throws std::runtime_error where cuDNN refuses.
void set_stream(cudnnContext* handle, CUstream_st* stream);

}  // namespace qudnn::engines
