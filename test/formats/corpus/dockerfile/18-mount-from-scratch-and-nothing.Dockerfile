FROM scratch
RUN --mount=from=scratch,target=/x --mount=type=bind,from=,target=/y true
