FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY api api
COPY migrations migrations
RUN cargo build --release --locked --bin tollgate

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/tollgate --create-home tollgate \
    && chmod 700 /var/lib/tollgate
COPY --from=build /src/target/release/tollgate /usr/local/bin/tollgate
USER tollgate
# An SQLite file and the first admin's password are written here.
WORKDIR /var/lib/tollgate
EXPOSE 8080
ENTRYPOINT ["tollgate"]
