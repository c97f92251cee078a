# The orchestrator itself; its sessions are its siblings on the host, made through the engine's socket. How it is to be run: docker-compose.yml.
FROM debian:bookworm-slim AS build
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends g++ make pkgconf libcurl4-openssl-dev libevent-dev libjansson-dev libssl-dev >/dev/null
WORKDIR /src
COPY . .
RUN ./configure && make -j"$(nproc)" && strip vnc-orchestrator

FROM debian:bookworm-slim
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates curl iptables tzdata \
        libcurl4 libevent-core-2.1-7 libevent-extra-2.1-7 libevent-pthreads-2.1-7 libjansson4 libssl3 >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/log/apt /var/log/dpkg.log
COPY --from=build /src/vnc-orchestrator /usr/local/bin/
COPY packaging/docker/health /usr/local/bin/
# .env is read here.
WORKDIR /etc/vnc-orchestrator
ENV STATE_FILE=/var/lib/vnc-orchestrator/state.json LOG_DIR=/var/log/vnc-orchestrator
HEALTHCHECK --interval=10s --timeout=6s --retries=3 CMD ["health"]
ENTRYPOINT ["vnc-orchestrator"]
