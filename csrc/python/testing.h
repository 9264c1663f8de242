// Python bindings of parts that tests look at without a GPU.
#pragma once

#include <pybind11/pybind11.h>

namespace qudnn {

void define_testing(pybind11::module_& module);
void define_store_testing(pybind11::module_& module);
void define_library_testing(pybind11::module_& module);
void define_explanation_testing(pybind11::module_& module);

}  // namespace qudnn
