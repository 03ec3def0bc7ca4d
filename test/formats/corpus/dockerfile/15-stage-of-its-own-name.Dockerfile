FROM alpine AS alpine
FROM alpine
