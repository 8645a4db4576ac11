"""Annotations by which the kit tells a cluster's controllers how its gateway is reached."""

CLUSTER_ISSUER, ISSUER = "cert-manager.io/cluster-issuer", "cert-manager.io/issuer"
"""By which cert-manager's ingress-shim makes the Secret that an Ingress' `tls` names."""

AZURE = "service.beta.kubernetes.io/azure-load-balancer"
INTERNAL, IDLE_MINUTES = f"{AZURE}-internal", f"{AZURE}-tcp-idle-timeout"
"""https://kubernetes-sigs.github.io/cloud-provider-azure/topics/loadbalancer"""
