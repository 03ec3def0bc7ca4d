FROM scratch
RUN --mount="type=bind,from=alpine:3.19" true
