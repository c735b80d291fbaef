# syntax=docker/dockerfile:1
# One image for every service: which ones a container hosts is said by SERVICES. The version is that of the tests (package.json: node).
ARG NODE=24.21.0-bookworm-slim

FROM node:${NODE} AS dependencies
WORKDIR /shop
COPY package.json package-lock.json .npmrc ./
# No scripts: what they would build comes as a package for the platform.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:${NODE}
LABEL org.opencontainers.image.title="shop" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    DATA_DIR=/data
WORKDIR /shop
RUN install -d -o node -g node /data
COPY --from=dependencies /shop/node_modules node_modules
COPY . .
# By number, as Kubernetes' runAsNonRoot wants it: the image's account `node`.
USER 1000:1000
EXPOSE 3000 3001 3002
STOPSIGNAL SIGTERM
# Liveness: it never asks a dependency. Whether a node takes work is /health/ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "deploy/health.js", "live"]
# What `npm start` runs, without npm and a shell: node is process 1 and gets the signals.
CMD ["node", "--require", "tsx/cjs", "bin/start.ts"]
