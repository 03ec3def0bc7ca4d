FROM alpine:3.19
RUN echo it's <<EOF
FROM debian:12
