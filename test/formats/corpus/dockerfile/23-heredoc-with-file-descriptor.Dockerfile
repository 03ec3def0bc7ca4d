FROM alpine:3.19
RUN cat 3<<EOF
FROM ubuntu:1
EOF
