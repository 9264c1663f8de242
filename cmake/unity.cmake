# Files that are compiled as one, since the headers that they share take longer than what they say themselves:
# those of cudnn-frontend 15 seconds, as long as its inline functions. Kernels that take long are left alone.

set_target_properties(libqudnn PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)

# Makes one of files of a folder, which it names without their endings.
function(compile_as_one name folder ending)
  list(TRANSFORM ARGN PREPEND ${folder}/)
  list(TRANSFORM ARGN APPEND .${ending})
  file(GLOB files CONFIGURE_DEPENDS ${ARGN})
  set_property(SOURCE ${files} PROPERTY UNITY_GROUP ${name})
endfunction()

compile_as_one(cudnn_frontend csrc/engines/cudnn cpp cudnn_candidates cudnn_conv cudnn_graph cudnn_matmul cudnn_plan)
compile_as_one(engines csrc/engines cpp * composed/* cudnn/cudnn_library cudnn/cudnn_stream native/native_conv
               native/native_depthwise native/native_matmul native/native_stem)
compile_as_one(ops_attention csrc/ops cpp attention/attention attention/attention_core recurrent/* softmax/*)
compile_as_one(ops_border csrc/ops cpp border/*)
compile_as_one(ops_conv csrc/ops cpp conv/* gemm/*)
compile_as_one(ops_elementwise csrc/ops cpp elementwise/*)
compile_as_one(ops_image csrc/ops cpp image/*)
compile_as_one(ops_norm csrc/ops cpp norm/*)
compile_as_one(ops_shared csrc/ops/shared cpp binary broadcast configured nvml op output_padding usable_device)
compile_as_one(ort csrc/ort cpp *)
compile_as_one(c_api csrc/c_api cpp *)
compile_as_one(plan_kept csrc/plan cpp common/* problem/* storage/*)
compile_as_one(plan_tuning csrc/plan cpp tuning/*)
compile_as_one(plan_planner csrc/plan cpp aside/* planner/*)

compile_as_one(elementwise csrc/kernels/elementwise cu *)
compile_as_one(image csrc/kernels/image cu *)
compile_as_one(border csrc/kernels/border cu arg_max float_entry steps table_exit)
compile_as_one(some_kernels csrc/kernels cu common/compare conv/pad gemm/matmul gemm/batch_matmul norm/group_normalization)

# Without Hopper's instructions each says that it has none.
if(NOT QUDNN_CUDA_ARCHITECTURES MATCHES "(^|;)90")
  set_target_properties(hopper_kernels PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  compile_as_one(window_refusals csrc/kernels/window cu window_*)
endif()
