FROM scratch
ONBUILD COPY --from=alpine:3.19 / /
ONBUILD RUN --mount=from=debian:12,target=/x true
