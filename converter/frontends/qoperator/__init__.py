"""QOperator: operators that take 8-bit tensors, with their scales and zero points as inputs."""

from converter.frontends.qoperator.flatten import flatten
from converter.frontends.qoperator.max_pool import max_pool
from converter.frontends.qoperator.qgemm import qgemm
from converter.frontends.qoperator.qlinear_add import qlinear_add
from converter.frontends.qoperator.qlinear_conv import qlinear_conv
from converter.frontends.qoperator.qlinear_global_average_pool import qlinear_global_average_pool
from converter.frontends.qoperator.qlinear_matmul import qlinear_matmul
from converter.frontends.qoperator.reshape import reshape
from converter.frontends.rule import Rule

RULES: dict[tuple[str, str], Rule] = {
    ("", "QLinearConv"): qlinear_conv,
    ("", "QLinearMatMul"): qlinear_matmul,
    ("com.microsoft", "QGemm"): qgemm,
    ("com.microsoft", "QLinearAdd"): qlinear_add,
    ("com.microsoft", "QLinearGlobalAveragePool"): qlinear_global_average_pool,
    ("", "MaxPool"): max_pool,
    ("", "Flatten"): flatten,
    ("", "Reshape"): reshape,
}
