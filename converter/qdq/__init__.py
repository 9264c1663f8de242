"""QuantizeLinear and DequantizeLinear, alone and in pairs, and the operators that only move values."""
