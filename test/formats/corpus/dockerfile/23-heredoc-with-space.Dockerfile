FROM alpine:3.19
RUN cat << EOF
FROM ubuntu:1
EOF
FROM debian:12
