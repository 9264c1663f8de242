"""Valid models, changed at random, and what has to hold of their conversion.

`seeds`: the models. `changes`: what is done to them. `judge`: what is asked of each. `worker`: a process that
judges a share of them.
"""
