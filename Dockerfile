# Shopkeeper's image: the bundle on Debian's slim Node, nothing else.
#
#   docker build -t shopkeeper .          or podman, or buildah bud
#   docker run --read-only -v ./shopkeeper.yaml:/etc/shopkeeper/shopkeeper.yaml:ro -p 8080:8080 -p 9470:9470 shopkeeper
#
# Built and looked at by test/image.

# The same Node as in package.json; a test holds them together.
ARG NODE=docker.io/library/node:24.21.0-bookworm-slim

# -- build: packages and bundle; nothing of it ships but dist/
FROM ${NODE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Behind a mirror: --secret id=npmrc,src=$HOME/.npmrc. A secret is never part of a layer.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --prefer-offline
COPY build.ts ./
COPY src src
COPY checks checks
COPY policies policies
COPY schemas schemas
COPY scenarios scenarios
RUN npm run build

# -- program: the bundle in its place, with the settings it runs by
FROM ${NODE} AS program
COPY --from=build /src/dist /opt/shopkeeper
COPY deploy/image/shopkeeper deploy/image/live /usr/local/bin/
# Portable: the cache stays good in the next stage and on another disk. One malloc arena: threads share it, which is slower and smaller.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/opt/shopkeeper/compiled NODE_COMPILE_CACHE_PORTABLE=1 MALLOC_ARENA_MAX=1

# -- warm: runs the program once, so that each start finds its code compiled. The cache is good for one user and one set of flags: those of the image.
FROM program AS warm
COPY deploy/image/warm.ts /tmp/warm/warm.ts
RUN install -d -o 10001 -g 10001 /opt/shopkeeper/compiled /tmp/warm/shop
USER 10001:10001
WORKDIR /tmp/warm/shop
RUN env -u NODE_COMPILE_CACHE node /tmp/warm/warm.ts "$NODE_COMPILE_CACHE"
USER 0:0
RUN chown -R 0:0 /opt/shopkeeper/compiled && chmod -R a+rX,go-w /opt/shopkeeper/compiled

# -- what ships
FROM program
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Shopkeeper" \
      org.opencontainers.image.description="Keeps a self-hosted Shopify Hydrogen storefront open: watches it, serves stored pages while it is down, recovers it." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
# Root's, so nobody in the container can change them.
COPY --from=warm /opt/shopkeeper/compiled /opt/shopkeeper/compiled
# For a standalone daemon's state: mount a volume here and say stores.state.file: /var/lib/shopkeeper/shopkeeper.db. A sidecar writes nothing.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/shopkeeper
# shopkeeper.yaml, checks/ and policies/ are mounted here, so `kubectl exec … -- shopkeeper status` finds them.
WORKDIR /etc/shopkeeper
# By number: Kubernetes' runAsNonRoot cannot look up a name.
USER 10001:10001
# Buyers; health and metrics.
EXPOSE 8080 9470
# Drains: buyers' requests end, then the program.
STOPSIGNAL SIGTERM
# For Docker and compose; Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["live"]
ENTRYPOINT ["shopkeeper"]
CMD ["run"]
