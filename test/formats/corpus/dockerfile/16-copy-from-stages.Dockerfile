FROM alpine:3.19 AS build
FROM scratch
COPY --from=0 /a /a
COPY --from=build /b /b
