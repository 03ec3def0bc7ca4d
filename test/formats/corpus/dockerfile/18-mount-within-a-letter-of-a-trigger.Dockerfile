FROM scratch
ONBUILD RUN --network=à--mount=from=alpine:3.19,target=/x true
