# syntax=example/frontend:1
FROM alpine:3.19
