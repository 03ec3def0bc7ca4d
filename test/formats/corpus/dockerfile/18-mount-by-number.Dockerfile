FROM alpine:3.19
RUN --mount=from=0,target=/x true
