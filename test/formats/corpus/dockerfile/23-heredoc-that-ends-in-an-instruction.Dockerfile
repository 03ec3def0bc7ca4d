FROM alpine:3.19
RUN : <<"ENV a=b"
FROM debian:12
ENV a=b
