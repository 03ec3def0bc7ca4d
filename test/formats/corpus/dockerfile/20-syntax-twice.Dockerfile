# syntax=docker/dockerfile:1
# syntax=docker/dockerfile:2
FROM scratch
