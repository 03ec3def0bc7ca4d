# dct:ignore: made here
FROM alpine:3.19
FROM debian:12
