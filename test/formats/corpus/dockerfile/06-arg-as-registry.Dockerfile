ARG REGISTRY=registry.example:5000
FROM $REGISTRY/team/app:1.0
