# For ~/.profile, ~/.bashrc or ~/.zshrc: docker obeys DOCKER_CONTENT_TRUST again.
alias docker='dct docker'
export DOCKER_CONTENT_TRUST=1

# Tab completes the commands of dct.
if [ -n "${BASH_VERSION:-}" ]; then eval "$(dct completion bash)"; fi
