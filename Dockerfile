FROM rust:1.95-bookworm AS addon
RUN apt-get update && apt-get install --yes --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# "-C target-cpu=x86-64" for processors without AVX2.
ARG RUSTFLAGS
COPY .cargo .cargo
COPY native native
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --release --locked --manifest-path native/Cargo.toml \
    && cp /target/release/liblakegate_binding.so /lakegate.node

FROM node:20-bookworm-slim AS service
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY native/index.d.ts native/
COPY schemas schemas
COPY engine engine
COPY routes routes
COPY api api
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir /warehouse /state \
    && chown node:node /warehouse /state
WORKDIR /app
COPY --from=service /source/package.json ./
COPY --from=service /source/node_modules node_modules
COPY --from=service /source/dist dist
COPY --from=addon /lakegate.node native/lakegate.node
ENV NODE_ENV=production PORT=8080 LAKEGATE_WAREHOUSE=/warehouse LAKEGATE_STATE=/state
VOLUME ["/warehouse", "/state"]
USER node
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD \
    ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/api/server.js"]
