FROM alpine:3.19
COPY --from=late /a /a
FROM debian:12 AS late
