FROM scratch
RUN --mount=from=alpine:3.19,target=/x \
  # dct:ignore
  --mount=from=debian:12,target=/y \
  true
