FROM alpine:3.19
RUN a \
  b
FROM debian:12 AS x
