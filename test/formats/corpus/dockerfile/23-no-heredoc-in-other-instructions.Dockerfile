FROM alpine:3.19
CMD cat <<EOF
FROM debian:12
