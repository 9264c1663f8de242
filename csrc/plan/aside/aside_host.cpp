#include "plan/aside/aside_host.h"

#include <cuda_runtime_api.h>

#include <map>
#include <utility>

#include "engines/cudnn/cudnn_library.h"
#include "engines/cudnn/cudnn_stream.h"
#include "plan/common/cuda_error.h"
#include "plan/problem/block.h"

namespace qudnn::plan {

namespace {

// This thread's stream on the current GPU, for as long as the process lives.
cudaStream_t stream_of_this_thread(int device) {
    thread_local std::map<int, cudaStream_t> streams;
    cudaStream_t& stream = streams[device];
    if (stream == nullptr) {
        int least = 0, greatest = 0;
        check_cuda(cudaDeviceGetStreamPriorityRange(&least, &greatest));
        check_cuda(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, least));
    }
    return stream;
}

}  // namespace

AsideHost::AsideHost(int device, const Configuration& configuration, std::string node, Log log,
                     std::function<bool()> stopped)
    : device_(device),
      configuration_(configuration),
      node_(std::move(node)),
      log_(std::move(log)),
      stopped_(std::move(stopped)),
      launch_{} {
    check_cuda(cudaSetDevice(device));
    launch_.stream = stream_of_this_thread(device);
    if (engines::cudnn_problem().empty()) {
        launch_.cudnn = engines::handle_of_this_thread();
        engines::set_stream(launch_.cudnn, launch_.stream);
    }
}

void AsideHost::begin(const Arguments& arguments) {
    memo_ = std::make_unique<Memo>(constants_of(arguments), kStepsOfBlock);
}

}  // namespace qudnn::plan
