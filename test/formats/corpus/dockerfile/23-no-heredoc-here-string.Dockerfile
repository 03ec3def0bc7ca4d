FROM alpine:3.19
RUN cat <<<EOF
FROM debian:12
