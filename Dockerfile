# syntax=docker/dockerfile:1

# The program alone: it brings its migrations, its pages and its time zones with it. It runs without root, writes nothing
# but its data directory, and expects Postgres at DATABASE_URL.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    cargo build --release --locked --bin journeylift \
    && install -D -m 0755 target/release/journeylift /out/journeylift

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/journeylift --create-home --shell /usr/sbin/nologin journeylift
COPY --from=build /out/journeylift /usr/local/bin/journeylift
COPY LICENSE /usr/share/doc/journeylift/LICENSE
USER 10001:10001
ENV JOURNEYLIFT_LISTEN=0.0.0.0:8080 \
    JOURNEYLIFT_DATA_DIR=/var/lib/journeylift
VOLUME /var/lib/journeylift
EXPOSE 8080
STOPSIGNAL SIGTERM
# Asks /readyz of the service in this container: the image has no curl.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["journeylift", "doctor", "--ready"]
ENTRYPOINT ["journeylift"]
CMD ["serve"]
