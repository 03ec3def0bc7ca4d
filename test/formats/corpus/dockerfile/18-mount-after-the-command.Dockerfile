FROM scratch
RUN echo --mount=type=bind,from=alpine:3.19
