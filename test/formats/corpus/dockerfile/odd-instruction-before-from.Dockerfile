RUN true
FROM alpine:3.19
