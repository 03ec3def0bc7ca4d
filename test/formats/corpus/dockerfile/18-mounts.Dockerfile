FROM alpine:3.19 AS a
RUN --mount=type=cache,target=/c --mount=target=/x,FROM=debian:12 --mount=from=a,target=/y --network=none true
