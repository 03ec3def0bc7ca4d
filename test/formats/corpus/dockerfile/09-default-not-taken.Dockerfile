ARG BASE=debian:12
FROM ${BASE:-alpine:3.19}
