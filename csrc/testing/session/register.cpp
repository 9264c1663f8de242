// What onnxruntime's sessions load in order to run the operators without a GPU: see
// testing/fakes/session.cpp.
#include "export.h"
#include "ort/abi.h"

extern "C" OrtStatus* qudnn_fakes_register(OrtSessionOptions* options, const OrtApiBase* base);

extern "C" QUDNN_API OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
    return qudnn_fakes_register(options, base);
}
