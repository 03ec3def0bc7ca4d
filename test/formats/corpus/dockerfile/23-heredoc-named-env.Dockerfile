FROM alpine:3.19
COPY <<ENV /.env
FROM debian:12
ENV
