FROM alpine:3.19
RUN <<EOF
FROM debian:12
