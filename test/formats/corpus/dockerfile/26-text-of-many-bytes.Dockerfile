# Größe: 🐳🐳 日本
ARG NAME="Zoë 🐳" BASE=alpine:3.19
FROM $BASE
LABEL x="🐳" \
 y=1
COPY --from=debian:12 ä ö
