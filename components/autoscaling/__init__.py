"""How many replicas a workload has, and when: what is asked of KEDA, HPA and VPA."""
