FROM app-base
COPY --from=tools:1 / /
FROM alpine:3.19
