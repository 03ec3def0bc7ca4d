FROM scratch
COPY app /
