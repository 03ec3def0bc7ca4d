# dct:ignore
ARG BASE=alpine:3.19
FROM $BASE
