# One image for all roles and commands: docs/decisions/0027-roles-as-pods.md says what a container takes, reads and answers.
#   docker build -t millrace:0.1.0 --build-arg REVISION=$(git rev-parse HEAD) .
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
# Behind a proxy that opens connections: a file with its certificate, which the build can see.
ARG NODE_EXTRA_CA_CERTS
WORKDIR /build
# Only what decides about packages, so that a change of sources does not fetch them again.
COPY package.json package-lock.json ./
COPY bench/package.json bench/
COPY cdk8s/package.json cdk8s/
COPY e2e/package.json e2e/
COPY services/audit/package.json services/audit/
COPY services/bootstrap/package.json services/bootstrap/
COPY services/cli/package.json services/cli/
COPY services/core/package.json services/core/
COPY services/deploy/package.json services/deploy/
COPY services/devices/package.json services/devices/
COPY services/embedded/package.json services/embedded/
COPY services/identity/package.json services/identity/
COPY services/processor/package.json services/processor/
COPY services/producer/package.json services/producer/
COPY services/registry/package.json services/registry/
COPY services/reset/package.json services/reset/
COPY services/setup/package.json services/setup/
COPY services/sidecar/package.json services/sidecar/
COPY services/sink/package.json services/sink/
# Not `npm ci`: docs/decisions/0014-installing.md. What the lock has is installed just as it says.
RUN npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
COPY LICENSE ./
COPY scripts/bundle.ts scripts/
COPY services services
# Only what the command line reaches is in the bundle: no development dependency, no embedded server.
RUN node scripts/bundle.ts /app

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Millrace" \
      org.opencontainers.image.description="Sensor feeds to Kafka topics and database tables, each row once: all roles and commands" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app /app
# As services/cli/src/run/memory.ts has them: they count only when a process starts, and a role that has them need not start again.
ENV NODE_OPTIONS="--max-semi-space-size=8 --max-old-space-size=192" \
    MALLOC_ARENA_MAX="1" \
    MALLOC_TRIM_THRESHOLD_="1048576" \
    MALLOC_MMAP_THRESHOLD_="1048576"
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
# No shell and no init between: the program takes signals as process 1, and starts no other.
ENTRYPOINT ["node", "/app/millrace.js"]
CMD ["--help"]
