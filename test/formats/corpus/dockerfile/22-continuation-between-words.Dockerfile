FROM --platform=linux/amd64 \
  # a comment in a continuation

  alpine:3.19 \
  AS x
