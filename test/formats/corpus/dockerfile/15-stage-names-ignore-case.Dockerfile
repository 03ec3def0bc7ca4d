FROM alpine:3.19 AS Build
FROM BUILD
COPY --from=bUILD /a /b
