FROM alpine:3.19
FROM debian:12
