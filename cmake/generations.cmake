# How nvcc compiles for QUDNN_CUDA_ARCHITECTURES: CMAKE_CUDA_ARCHITECTURES, and more_generations, options for
# those that need no PTX of their own.
#
# Most of nvcc's time goes into making PTX, so generations for which it would be the same share it. The kernels
# ask for compute capability 8.0 and 9.0, and the compiler makes other PTX from 10.0 on.

set(CMAKE_CUDA_ARCHITECTURES)
set(more_generations)
foreach(architecture IN LISTS QUDNN_CUDA_ARCHITECTURES)
  if(NOT architecture MATCHES "^([0-9]+)(-real|-virtual)?$")
    message(FATAL_ERROR "QUDNN_CUDA_ARCHITECTURES: ${architecture} is none of 90, 90-real and 90-virtual")
  endif()
  set(generation ${CMAKE_MATCH_1})
  foreach(first 80 90 100)
    if(generation GREATER_EQUAL first)
      set(ptx ${first})
    endif()
  endforeach()
  if(CMAKE_MATCH_2 STREQUAL "-real" AND generation GREATER 80 AND NOT generation EQUAL ptx)
    list(APPEND more_generations "--generate-code=arch=compute_${ptx},code=[sm_${generation}]")
  else()
    list(APPEND CMAKE_CUDA_ARCHITECTURES ${architecture})
  endif()
endforeach()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES OFF)
endif()
