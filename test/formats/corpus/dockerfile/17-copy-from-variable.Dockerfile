ARG X=alpine:3.19
FROM scratch
COPY --from=${X} a b
RUN --mount=from=$X,target=/x true
