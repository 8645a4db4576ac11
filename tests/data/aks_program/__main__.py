"""The cluster layer alone, as a program of its own."""

from stacks.aks import program

program()
