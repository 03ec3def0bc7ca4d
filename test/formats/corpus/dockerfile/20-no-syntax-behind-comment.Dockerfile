# build me
# syntax=docker/dockerfile:1
FROM scratch
