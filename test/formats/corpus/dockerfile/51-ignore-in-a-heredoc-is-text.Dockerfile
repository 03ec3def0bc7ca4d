FROM scratch
RUN <<EOF
# dct:ignore
EOF
FROM alpine:3.19
