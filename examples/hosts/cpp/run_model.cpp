// Runs a converted model with onnxruntime's C API, without Python: on the GPU with qudnn's operators, or
// without a GPU through the function bodies that the model carries, with the same bits.
//
//     g++ -std=c++17 run_model.cpp -I INCLUDE -L LIB -lonnxruntime -o run_model
//     ./run_model model.qudnn.onnx libqudnn.so 1,3,224,224 input.bin output.bin
//
// input.bin and output.bin are float32 values of the model's only input and of its first output. libqudnn.so
// lies where `python -c "import qudnn; print(qudnn.library_path())"` says.
#include <onnxruntime_c_api.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

const OrtApi* const api =
    OrtGetApiBase()->GetApi(24);  // onnxruntime 1.24, the first with providers as qudnn's

void check(OrtStatus* status) {
    if (status == nullptr) return;
    const std::string message = api->GetErrorMessage(status);
    api->ReleaseStatus(status);
    throw std::runtime_error(message);
}

std::vector<int64_t> read_shape(const std::string& text) {
    std::vector<int64_t> shape;
    std::istringstream sizes(text);
    for (std::string size; std::getline(sizes, size, ',');) shape.push_back(std::stoll(size));
    return shape;
}

std::string read_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(std::string("cannot read ") + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The CUDA provider, on which the operators' kernels run, where there is one.
void add_cuda(OrtSessionOptions* options) {
    OrtCUDAProviderOptionsV2* cuda = nullptr;
    try {
        check(api->CreateCUDAProviderOptions(&cuda));
        check(api->SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda));
    } catch (const std::exception& error) {
        std::cerr << "on the CPU: " << error.what() << '\n';
    }
    if (cuda != nullptr) api->ReleaseCUDAProviderOptions(cuda);
}

// The operators; none where there is no GPU. With "heuristic" no run waits for tuning: `qudnn tune` did it.
void add_qudnn(OrtEnv* env, OrtSessionOptions* options, const char* library) {
    // onnxruntime would look for a relative path beside its own library.
    const std::string path = std::filesystem::absolute(library);
    check(api->RegisterExecutionProviderLibrary(env, "qudnn", path.c_str()));
    const OrtEpDevice* const* devices = nullptr;
    size_t count = 0;
    check(api->GetEpDevices(env, &devices, &count));
    for (size_t i = 0; i < count; ++i) {
        if (std::strcmp(api->EpDevice_EpName(devices[i]), "QudnnExecutionProvider") != 0) continue;
        const char* const names[] = {"tune"};
        const char* const values[] = {"heuristic"};
        check(api->SessionOptionsAppendExecutionProvider_V2(options, env, &devices[i], 1, names, values, 1));
    }
}

void run(const char* model, const char* library, const std::vector<int64_t>& shape, std::string input,
         const char* target) {
    OrtEnv* env = nullptr;
    OrtSessionOptions* options = nullptr;
    OrtSession* session = nullptr;
    check(api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "run_model", &env));
    check(api->CreateSessionOptions(&options));
    add_cuda(options);
    add_qudnn(env, options, library);
    check(api->CreateSession(env, model, options, &session));

    OrtAllocator* allocator = nullptr;
    char *x_name = nullptr, *y_name = nullptr;
    check(api->GetAllocatorWithDefaultOptions(&allocator));
    check(api->SessionGetInputName(session, 0, allocator, &x_name));
    check(api->SessionGetOutputName(session, 0, allocator, &y_name));

    OrtMemoryInfo* memory = nullptr;
    OrtValue *x = nullptr, *y = nullptr;
    check(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    check(api->CreateTensorWithDataAsOrtValue(memory, input.data(), input.size(), shape.data(), shape.size(),
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &x));
    check(api->Run(session, nullptr, &x_name, &x, 1, &y_name, 1, &y));

    OrtTensorTypeAndShapeInfo* info = nullptr;
    size_t count = 0;
    void* data = nullptr;
    check(api->GetTensorTypeAndShape(y, &info));
    check(api->GetTensorShapeElementCount(info, &count));
    check(api->GetTensorMutableData(y, &data));
    std::ofstream(target, std::ios::binary)
        .write(static_cast<const char*>(data), static_cast<std::streamsize>(count * sizeof(float)));
    std::cout << count << " values of " << y_name << '\n';

    api->ReleaseTensorTypeAndShapeInfo(info);
    api->ReleaseValue(x);
    api->ReleaseValue(y);
    api->ReleaseMemoryInfo(memory);
    check(api->AllocatorFree(allocator, x_name));
    check(api->AllocatorFree(allocator, y_name));
    api->ReleaseSession(session);
    api->ReleaseSessionOptions(options);
    api->ReleaseEnv(env);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 6 || api == nullptr) {
        std::cerr << (count != 6 ? "run_model MODEL LIBRARY SHAPE INPUT OUTPUT\n"
                                 : "needs onnxruntime 1.24\n");
        return 2;
    }
    try {
        run(arguments[1], arguments[2], read_shape(arguments[3]), read_file(arguments[4]), arguments[5]);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
