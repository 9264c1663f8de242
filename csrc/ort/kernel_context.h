// One run of a kernel: tensors, memory and the CUDA provider's resources.
#pragma once

#include <string>
#include <vector>

#include "ort/api.h"
#include "ort/tensor.h"

struct cudnnContext;
struct CUstream_st;

namespace qudnn::ort {

// Memory of ORT's arena, given back at the end of its scope. The arena ties it to the run's stream, so
// that only work queued later on that stream can get it.
class Scratch {
  public:
    Scratch(OrtAllocator* allocator, void* data) : allocator_(allocator), data_(data) {}
    Scratch(Scratch&& other) noexcept
        : allocator_(other.allocator_), data_(std::exchange(other.data_, nullptr)) {}
    Scratch& operator=(Scratch&&) = delete;
    ~Scratch();

    void* data() const { return data_; }

  private:
    OrtAllocator* allocator_;
    void* data_;
};

// The allocator of a kernel's provider; lives as long as the kernel.
class Allocator {
  public:
    explicit Allocator(const OrtKernelInfo* info);
    Allocator(const Allocator&) = delete;
    ~Allocator();

    OrtAllocator* get() const { return allocator_; }

  private:
    OrtAllocator* allocator_ = nullptr;
};

// The inputs of a node that are constants of the model, read once: each run gets the same. They live as long
// as the kernel.
class ConstantInputs {
  public:
    explicit ConstantInputs(const OrtKernelInfo* info);

    // Null where that input is none.
    const Tensor* find(size_t index) const {
        const bool is_one = index < inputs_.size() && inputs_[index].type != ElementType::undefined;
        return is_one ? &inputs_[index] : nullptr;
    }

    // Their memory; nothing of it ever changes.
    std::vector<const void*> pointers() const;

  private:
    std::vector<Tensor> inputs_;
};

class KernelContext {
  public:
    KernelContext(OrtKernelContext* context, OrtAllocator* allocator, const ConstantInputs& constants)
        : context_(context), allocator_(allocator), constants_(constants) {}

    Tensor input(size_t index) const;
    Tensor optional_input(size_t index) const;  // of undefined type where the node leaves it out
    // Of undefined type: ORT made it of that which the model says.
    Tensor output(size_t index, const Shape& shape);
    Tensor optional_output(size_t index, const Shape& shape);  // null data where the node leaves it out

    CUstream_st* stream() const;
    cudnnContext* cudnn() const;  // null where the provider has none
    int device() const;
    bool use_tf32() const;  // the provider option of that name

    // `bytes` of GPU memory; null data where bytes is 0. Throws Error when memory is out. Only after
    // output().
    Scratch scratch(size_t bytes) const;

    void log(LogLevel level, const std::string& message) const noexcept;

  private:
    OrtValue* make_output(size_t index, const Shape& shape);

    OrtKernelContext* context_;
    OrtAllocator* allocator_;
    const ConstantInputs& constants_;
    const OrtValue* output_ = nullptr;  // the last one, whose kind of memory scratch() gets
    mutable int device_ = -1;           // negative: not asked for yet
};

}  // namespace qudnn::ort
