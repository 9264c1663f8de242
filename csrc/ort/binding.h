// How a runtime that calls the library becomes the one that it calls.
#pragma once

#include "ort/api.h"

namespace qudnn::ort {

// Takes the runtime. Otherwise false, and a status that says why: it is older than the API version, which
// came with the release `oldest`, or another runtime was first. The status is null where there is no way to
// say it.
bool bind(const OrtApiBase* base, uint32_t version, const char* oldest, OrtStatus** status);

}  // namespace qudnn::ort
