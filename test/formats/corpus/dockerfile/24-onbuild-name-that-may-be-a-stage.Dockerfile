FROM alpine:3.19 AS tools
ONBUILD COPY --from=tools / /
ONBUILD COPY --from=others / /
ONBUILD COPY --from=0 / /
