FROM alpine:3.19
RUN <<EOF
FROM ubuntu:1
EOF
COPY <<-"X" /f
	FROM nope
	X
RUN <<A cat <<-B
FROM a
A
	COPY --from=b / /
	B
FROM debian:12
