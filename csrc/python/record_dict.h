// A stored plan as a dict of Python.
#pragma once

#include <pybind11/pybind11.h>

#include "plan/record.h"

namespace qudnn {

// What a user may know about it: all but the engines that were asked, and the serialized plan.
inline pybind11::dict public_fields(const plan::Record& record) {
    pybind11::dict d;
    d["problem"] = record.key.problem;
    d["device"] = record.key.device;
    d["cudnn"] = record.key.cudnn;
    d["qudnn"] = record.key.qudnn;
    d["workspace_limit"] = record.key.workspace_limit;
    d["engine"] = record.engine;
    d["plan"] = record.plan;
    d["microseconds"] = record.microseconds;
    d["first_plan"] = record.first_plan;
    d["first_microseconds"] = record.first_microseconds;
    return d;
}

}  // namespace qudnn
