FROM alpine:3.19
RUN sh -c "cat <<EOF"
FROM debian:12
