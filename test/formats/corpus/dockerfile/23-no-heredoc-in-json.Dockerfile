FROM alpine:3.19
RUN ["echo", "<<EOF"]
FROM debian:12
