FROM alpine:3.19
FROM debian:12
COPY --from=1 /a /a
