"""Runs the composition that config `slm-kit:target` names."""

from stacks import compose

compose()
