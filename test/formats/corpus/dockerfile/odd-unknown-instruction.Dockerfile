FROM alpine:3.19
INCLUDE other.Dockerfile
