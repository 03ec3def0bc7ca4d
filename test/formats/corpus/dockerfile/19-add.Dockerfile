FROM scratch
ADD https://example.com/x.tar /
ADD git@github.com:moby/buildkit.git#v0.11 /src
