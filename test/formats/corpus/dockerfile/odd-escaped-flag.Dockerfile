FROM scratch
COPY --fr\om=alpine:3.19 a b
