ARG V=3_19_1
FROM alpine:${V/_/.}
FROM alpine:${V//_/.}
