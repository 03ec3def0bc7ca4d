# dct:ignore

FROM alpine:3.19
#dct:ignored
FROM debian:12
