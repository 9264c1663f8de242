"""cuBLASLt's int8 matmuls without an epilogue, algorithm by algorithm, through its C interface."""

import ctypes
from ctypes import byref, c_float, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any

# Values of cublasLt.h, cublas_api.h and library_types.h.
_INT8, _INT32 = 3, 10  # CUDA_R_8I, CUDA_R_32I
_COMPUTE_INT32 = 72  # CUBLAS_COMPUTE_32I
_TRANSPOSE_A = 3  # CUBLASLT_MATMUL_DESC_TRANSA
_TRANSPOSED = 1  # CUBLAS_OP_T
_WORKSPACE = 1  # CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
_MOST_ALGORITHMS = 64


class _Algorithm(ctypes.Structure):
    """cublasLtMatmulHeuristicResult_t."""

    _fields_ = (
        ("algorithm", c_uint64 * 8),
        ("workspace", c_size_t),
        ("status", c_int),
        ("waves", c_float),
        ("reserved", c_int * 4),
    )


class Product:
    """int8 x `[M, K]` times int8 w `[N, K]`, transposed, to int32 y `[M, N]`; all dense, row by row.

    cuBLASLt counts by columns: y' = (w')' x' for the matrices w' `[K, N]`, x' `[K, M]` and y' `[N, M]`.
    algorithms: those that its heuristics offer, the one that they take for the best first.
    Raises RuntimeError where cuBLASLt reports an error, OSError where it is not found.
    """

    def __init__(self, m: int, n: int, k: int, workspace: int):
        self._library = ctypes.CDLL("libcublasLt.so.13")
        self._handle = self._made("cublasLtCreate")
        self._description = self._made("cublasLtMatmulDescCreate", c_int(_COMPUTE_INT32), c_int(_INT32))
        transposed = c_int32(_TRANSPOSED)
        self._call(
            "cublasLtMatmulDescSetAttribute",
            self._description,
            c_int(_TRANSPOSE_A),
            byref(transposed),
            c_size_t(ctypes.sizeof(transposed)),
        )
        self._w = self._layout(_INT8, k, n)
        self._x = self._layout(_INT8, k, m)
        self._y = self._layout(_INT32, n, m)
        self.algorithms = self._algorithms(workspace)

    def run(self, algorithm: Any, x: int, w: int, y: int, workspace: int, stream: int) -> None:
        """Enqueue it; all are addresses on the GPU but `algorithm` and `stream`."""
        one, zero = c_int32(1), c_int32(0)
        self._call(
            "cublasLtMatmul",
            self._handle,
            self._description,
            byref(one),
            c_void_p(w),
            self._w,
            c_void_p(x),
            self._x,
            byref(zero),
            c_void_p(y),
            self._y,
            c_void_p(y),
            self._y,
            byref(algorithm.algorithm),
            c_void_p(workspace),
            c_size_t(algorithm.workspace),
            c_void_p(stream),
        )

    def _algorithms(self, workspace: int) -> list[_Algorithm]:
        preference = self._made("cublasLtMatmulPreferenceCreate")
        most = c_size_t(workspace)
        self._call(
            "cublasLtMatmulPreferenceSetAttribute",
            preference,
            c_int(_WORKSPACE),
            byref(most),
            c_size_t(ctypes.sizeof(most)),
        )
        found, count = (_Algorithm * _MOST_ALGORITHMS)(), c_int()
        self._call(
            "cublasLtMatmulAlgoGetHeuristic",
            self._handle,
            self._description,
            self._w,
            self._x,
            self._y,
            self._y,
            preference,
            c_int(_MOST_ALGORITHMS),
            found,
            byref(count),
        )
        return [each for each in found[: count.value] if each.status == 0]

    def _layout(self, dtype: int, rows: int, columns: int) -> c_void_p:
        return self._made(
            "cublasLtMatrixLayoutCreate", c_int(dtype), c_uint64(rows), c_uint64(columns), c_int64(rows)
        )

    def _made(self, create: str, *arguments: Any) -> c_void_p:
        """What a function creates; lives as long as the process."""
        result = c_void_p()
        self._call(create, byref(result), *arguments)
        return result

    def _call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._library, function)(*arguments)
        if status:
            raise RuntimeError(f"{function} failed with status {status}")
