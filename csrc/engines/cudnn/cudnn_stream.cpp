#include "engines/cudnn/cudnn_stream.h"

#include <dlfcn.h>

#include <stdexcept>

#include "engines/cudnn/cudnn_library.h"

namespace cudnn_frontend {
extern void* cudnn_dlhandle;  // cudnn_library.cpp's
}

namespace qudnn::engines {

void set_stream(cudnnContext* handle, CUstream_st* stream) {
    using SetStream = int (*)(cudnnContext*, CUstream_st*);
    auto* const set = reinterpret_cast<SetStream>(dlsym(cudnn_frontend::cudnn_dlhandle, "cudnnSetStream"));
    if (set == nullptr || set(handle, stream) != 0) throw std::runtime_error("cuDNN takes no stream");
}

}  // namespace qudnn::engines
