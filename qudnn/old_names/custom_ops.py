"""`import custom_ops`, which installs beside the package."""

from qudnn.old_names import stand_in

stand_in("custom_ops")
