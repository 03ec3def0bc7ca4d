# syntax=registry.example:5000/docker/dockerfile:1
FROM scratch
