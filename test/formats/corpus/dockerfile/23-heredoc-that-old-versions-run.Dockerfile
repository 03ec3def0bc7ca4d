FROM alpine:3.19
RUN cat << "FROM debian:12"
x
FROM debian:12
