"""Kernels by themselves: `make kernels` builds kernels.cu; gemm.py compares matmuls with cuBLASLt."""
